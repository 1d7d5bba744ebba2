"""The kernel that a bzImage carries compressed, which QEMU starts as it is: an emulated processor is slow at unpacking.

Documentation/arch/x86/boot.rst names the fields; the entry is the one of PVH guests (XEN_ELFNOTE_PHYS32_ENTRY).
"""

from __future__ import annotations

import struct
import subprocess

SETUP_SECTORS, PAYLOAD_AT, SECTOR, SIZE = 0x1F1, 0x248, 512, 4
PAYLOAD = struct.Struct("<II")  # offset and length of what is packed, which ends with its size
# By how what is packed begins: Debian's kernels from 6.12 on, and 5.10 and 6.1 (the frame that lz4(1) calls legacy).
UNPACKERS = {b"\x28\xb5\x2f\xfd": ("zstd", "-d", "-c"), b"\x02\x21\x4c\x18": ("lz4", "-d", "-c")}
ELF, PROGRAM, NOTE = b"\x7fELF\2\1", struct.Struct("<IIQQQQQQ"), struct.Struct("<III")  # elf(5)
PROGRAMS_AT, PROGRAM_COUNT_AT, PT_NOTE = 0x20, 0x38, 4
PVH_ENTRY = b"Xen\0", 18


def unpack(image: bytes) -> bytes | None:
    """Return the ELF file in a bzImage; None if it is packed otherwise, or cannot be started as it is."""
    offset, length = PAYLOAD.unpack_from(image, PAYLOAD_AT)
    start = (image[SETUP_SECTORS] + 1) * SECTOR + offset
    packed = image[start : start + length - SIZE]
    unpacker = UNPACKERS.get(packed[:4])
    if not unpacker:
        return None
    kernel = subprocess.run(unpacker, input=packed, capture_output=True, check=True).stdout
    return kernel if PVH_ENTRY in _notes(kernel) else None


def _notes(kernel: bytes) -> set[tuple[bytes, int]]:
    """Return the owner and the type of each note of an ELF file (elf(5)); none of what is no such file."""
    found: set[tuple[bytes, int]] = set()
    if not kernel.startswith(ELF):
        return found
    (table,) = struct.unpack_from("<Q", kernel, PROGRAMS_AT)
    (count,) = struct.unpack_from("<H", kernel, PROGRAM_COUNT_AT)
    for number in range(count):
        kind, _, at, _, _, size, _, _ = PROGRAM.unpack_from(kernel, table + number * PROGRAM.size)
        end = at + size if kind == PT_NOTE else at
        while at < end:
            name, words, what = NOTE.unpack_from(kernel, at)
            at += NOTE.size
            found.add((kernel[at : at + name], what))
            at += -(-name // 4) * 4 + -(-words // 4) * 4
    return found
