"""Archives as a kernel unpacks them when it boots (Documentation/driver-api/early-userspace/buffer-format.rst).

`python3 -m kernels.cpio FILE` writes this machine's own root, without what no guest needs.
"""

from __future__ import annotations

import fnmatch
import gzip
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO

# As fnmatch has them; of a folder what is in it. A guest has its root in memory.
LEFT_OUT = (
    "/proc", "/sys", "/dev", "/tmp", "/run", "/boot", "/usr/share/*", "/usr/bin/perl*", "/usr/bin/apt*",
    "/usr/bin/sqv", "/usr/lib/apt", "/usr/lib/python3.*/test", "/usr/lib/python3.*/pydoc_data",
    "/usr/lib/python3.*/ensurepip", "/usr/lib/python3.*/idlelib", "/usr/lib/*/perl-base", "/usr/lib/*/gconv",
    "/usr/lib/*/libapt-*", "/usr/lib/*/libdb-*", "/usr/lib/*/libsqlite*", "/usr/lib/*/libstdc++*",
    "/usr/lib/*/libmvec*", "/usr/lib/*/libssl.*", "/usr/lib/*/libsemanage.*", "/usr/lib/*/libsepol.*",
    "/usr/lib/*/security", "/usr/lib/python3.*/lib-dynload/_ssl.*", "/usr/lib/python3.*/lib-dynload/_codecs_*",
    "/usr/lib/python3.*/unittest", "/usr/lib/python3.*/_pyrepl", "/usr/lib/python3.*/xmlrpc", "/usr/sbin/ldconfig",
    "/usr/bin/localedef", "/var/lib/dpkg", "/var/lib/apt", "/var/cache",
)  # fmt: skip
Entry = tuple[
    str, int, bytes
]  # path without a slash at its start, mode of stat(2), content or where a link leads


def write(out: BinaryIO | gzip.GzipFile, entries: Iterable[Entry]) -> None:
    """Write an archive of the kind newc; all is root's."""
    for number, (path, mode, data) in enumerate((*entries, ("TRAILER!!!", 0, b"")), 1):
        name = path.encode(errors="surrogateescape") + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        out.write(b"070701" + b"".join(b"%08X" % field for field in fields) + name)
        out.write(b"\0" * (-(110 + len(name)) % 4) + data + b"\0" * (-len(data) % 4))


def tree(root: str = "/", left_out: Iterable[str] = LEFT_OUT) -> Iterator[Entry]:
    """Yield the entries of a file system, folders before what is in them; of a folder left out, the folder alone."""
    without = re.compile("|".join(map(fnmatch.translate, left_out)))
    for folder, folders, files in os.walk(root):
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISDIR(mode):
                yield path.lstrip("/"), mode, b""
            elif without.fullmatch(path) or name == ".dockerenv":
                continue
            elif stat.S_ISLNK(mode):
                yield path.lstrip("/"), mode, os.readlink(path).encode(errors="surrogateescape")
            elif stat.S_ISREG(mode):
                with open(path, "rb") as file:
                    yield path.lstrip("/"), mode, file.read()
        folders[:] = [name for name in folders if not without.fullmatch(os.path.join(folder, name))]


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as archive:
        write(archive, (entry for entry in tree() if f"/{entry[0]}" != sys.argv[1]))
