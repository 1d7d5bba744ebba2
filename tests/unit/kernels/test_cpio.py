"""Archives for a kernel: read again field by field, as buffer-format.rst has them."""

from __future__ import annotations

import io
from collections.abc import Iterator

from kernels import cpio


def entries(data: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Read an archive of the kind newc."""
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        name = data[at + 110 : at + 110 + fields[11] - 1].decode()
        start = at + -(-(110 + fields[11]) // 4) * 4
        if name == "TRAILER!!!":
            return
        yield name, fields[1], data[start : start + fields[6]]
        at = start + -(-fields[6] // 4) * 4


def test_what_is_written_can_be_read():
    """Names and contents of any length, padded to four bytes."""
    given = [
        ("a", 0o040755, b""),
        ("a/bc", 0o100644, b"12345"),
        ("a/link", 0o120777, b"bc"),
        ("abcd", 0o100755, b"1234"),
    ]
    out = io.BytesIO()
    cpio.write(out, given)
    assert list(entries(out.getvalue())) == given
    assert len(out.getvalue()) % 4 == 0


def test_a_tree_has_folders_before_what_is_in_them(tmp_path):
    """Of a folder that is left out there is the folder alone."""
    for name in ("etc/one", "proc/none", "usr/share/doc/none", "usr/share/two"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "etc/link").symlink_to("one")
    left_out = [f"{tmp_path}/proc", f"{tmp_path}/usr/share/doc"]
    found = {
        path.removeprefix(f"{tmp_path}/".lstrip("/")): data
        for path, _, data in cpio.tree(str(tmp_path), left_out)
    }
    assert found == {
        "etc": b"", "proc": b"", "usr": b"", "etc/link": b"one", "etc/one": b"etc/one", "usr/share": b"",
        "usr/share/doc": b"", "usr/share/two": b"usr/share/two",
    }  # fmt: skip
    assert list(found).index("usr/share") < list(found).index("usr/share/two")
