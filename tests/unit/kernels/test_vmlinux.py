"""The kernel in a bzImage, as QEMU can start it: unpacked, and only with the entry for that."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import zlib

import pytest

from kernels import vmlinux

LINUX, ENTRY, ZLIB = (b"Linux\0", 256), (b"Xen\0", 18), b"zlib"


def packed(kernel: bytes) -> bytes:
    """Return this as what `_unpacker` unpacks."""
    return ZLIB + zlib.compress(kernel)


@pytest.fixture(autouse=True)
def _unpacker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one that every machine has; a guest's image has the others."""
    program = "import sys, zlib; sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read()[4:]))"
    monkeypatch.setitem(vmlinux.UNPACKERS, ZLIB, (sys.executable, "-c", program))


def test_what_is_packed_is_had_again() -> None:
    """With its size behind it, as the kernel's own build appends it (scripts/Makefile.lib)."""
    kernel = elf(LINUX, ENTRY)
    assert vmlinux.unpack(bz_image(packed(kernel))) == kernel


@pytest.mark.parametrize("argv", [("zstd", "-c"), ("lz4", "-l", "-c")], ids=["zstd", "lz4"])
def test_what_debian_packs_is_had_again(argv: tuple[str, ...]) -> None:
    """With the programs themselves, where this machine has them: they are told apart by how a file begins."""
    if not shutil.which(argv[0]):
        pytest.skip(f"no {argv[0]} on this machine; a guest's image has it")
    kernel = elf(LINUX, ENTRY)
    data = subprocess.run(argv, input=kernel, capture_output=True, check=True).stdout
    assert vmlinux.unpack(bz_image(data)) == kernel


@pytest.mark.parametrize(
    "payload",
    [
        b"\x1f\x8b packed with gzip",
        packed(b"no ELF file"),
        packed(b"\x7fELF\2\1" + bytes(122)),
    ],
    ids=["packed otherwise", "no ELF file", "no note at all"],
)
def test_what_cannot_be_started_is_left_as_it_is(payload: bytes) -> None:
    """Then the guest's own processor unpacks it."""
    assert vmlinux.unpack(bz_image(payload)) is None


def test_a_kernel_without_the_entry_is_left_as_it_is() -> None:
    """One that was made without CONFIG_PVH has other notes."""
    assert vmlinux.unpack(bz_image(packed(elf(LINUX, (b"Xen\0", 17), (b"GNU\0", 18))))) is None


def bz_image(payload: bytes) -> bytes:
    """Return a bzImage of four setup sectors in which this is packed (Documentation/arch/x86/boot.rst)."""
    image = bytearray(5 * 512 + 300)
    image[0x1F1] = 4
    struct.pack_into("<II", image, 0x248, 300, len(payload) + 4)
    return bytes(image) + payload + b"size" + b"what follows"


def elf(*notes: tuple[bytes, int]) -> bytes:
    """Return an ELF file with a loaded part and these notes (elf(5))."""
    contents = b"".join(
        struct.pack("<III", len(name), 5, kind) + name.ljust(-(-len(name) // 4) * 4, b"\0") + b"words\0\0\0"
        for name, kind in notes
    )
    programs = (1, 0, 0), (4, 64 + 2 * 56, len(contents))
    header = (
        b"\x7fELF\2\1".ljust(32, b"\0")
        + struct.pack("<Q", 64)
        + bytes(16)
        + struct.pack("<HI", 2, 0)
        + bytes(2)
    )
    table = b"".join(
        struct.pack("<IIQQQQQQ", kind, 0, at, 0, 0, size, size, 4) for kind, at, size in programs
    )
    return header + table + contents
