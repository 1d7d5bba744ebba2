"""A package's files as a guest gets them: modules in order, without the signatures that their package's stands for."""

from __future__ import annotations

import lzma
import struct
from pathlib import Path

import pytest

from kernels import cpio, unpack

SIGNATURE = (
    b"s" * 300 + struct.pack(">8xI", 300) + b"~Module signature appended~\n"
)  # linux/module_signature.h


def test_modules_come_after_those_they_need_and_unsigned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One is packed and one is not; what only somebody's own rules need is in a folder of its own."""
    signed = {
        "net/netfilter/xt_connlimit.ko.xz": b"\x7fELF\0depends=nf_conncount\0",
        "net/netfilter/nf_conncount.ko": b"\x7fELF\0depends=\0",
        "net/netfilter/xt_time.ko": b"\x7fELF\0depends=\0",
    }
    for name, module in signed.items():
        path = tmp_path / "root/usr/lib/modules/6.12.0/kernel" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = module + SIGNATURE
        path.write_bytes(lzma.compress(data) if name.endswith(".xz") else data)
    (tmp_path / "root/boot").mkdir()
    (tmp_path / "root/boot/vmlinuz-6.12.0").write_bytes(b"kernel")
    written: list[cpio.Entry] = []
    monkeypatch.setattr(unpack, "THERE", str(tmp_path))
    monkeypatch.setattr(cpio, "write", lambda out, entries: written.extend(entries))
    unpack.keep(str(tmp_path / "root"))
    assert [(path, data) for path, _, data in written if data] == [
        ("modules/000-nf_conncount.ko", signed["net/netfilter/nf_conncount.ko"]),
        ("modules/001-xt_connlimit.ko", signed["net/netfilter/xt_connlimit.ko.xz"]),
        ("modules/more/002-xt_time.ko", signed["net/netfilter/xt_time.ko"]),
    ]
