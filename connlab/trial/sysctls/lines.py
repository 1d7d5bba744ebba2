"""Kernel settings as files bring them: each with its line, and what is set together with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from connlab.base.errors import Usage
from connlab.trial.files.forms import Input

MOST = 2000  # settings; the kernel has some 1,500
KEY = re.compile(r"[\w*@:+-]+(?:[./][\w*@:+-]+)+", re.ASCII)
INTERFACE = re.compile(r"net/(ipv4|ipv6)/(conf|neigh)/([^/]+)/")
EVERYWHERE = ("all", "default", "lo", "*")  # interfaces that a host without a network has too
SYSCTL_OF_STDIN = ("sysctl", "-p", "-")


class Setting(NamedTuple):
    """A line that sets a key, or that a tool reads as one; `key` is empty where it is none."""

    file: str
    line: int
    key: str  # as sysctl(8) prints it
    asked: str  # blanks as one
    argv: Sequence[str] = ()  # the command that sets it; none where it is written, or an engine sets it
    text: str = ""  # the command's input
    ignored: bool = False  # a hyphen before it says that errors do not matter
    written: str = (
        ""  # the key as it is written, where nobody reads that as the key: a blank in it, or it is none
    )
    assigns: bool = True  # there is a `=` in it

    @property
    def written_path(self) -> str:
        """Where the key is, below /proc/sys."""
        return path_of(self.key)

    @property
    def path(self) -> str:
        """Where the kernel has it, below /proc/sys; that of an interface where new ones take it from."""
        path = self.written_path
        match = INTERFACE.match(path)
        return path if not match or match[3] in EVERYWHERE else path.replace(f"/{match[3]}/", "/default/", 1)

    @property
    def excludes(self) -> bool:
        """Whether the line is a key behind a hyphen and no more: patterns then do not set it."""
        return bool(self.ignored and self.key) and not self.assigns

    @property
    def interface(self) -> str:
        """The interface that it is about, if that is one by name."""
        match = INTERFACE.match(self.written_path)
        return match[3] if match and match[3] not in EVERYWHERE else ""


class Group(NamedTuple):
    """What is set together: by tools on one host (no name), or by an engine for one container."""

    name: str
    settings: tuple[Setting, ...]
    engine: bool = False
    machine: bool = False  # the container has the machine's network


class Remark(NamedTuple):
    """Words on a line: it is left out of what is tried, or whoever reads such files refuses the whole for it."""

    line: int
    text: str
    left_out: bool = False
    refuses: bool = False


class Brought(NamedTuple):
    """What a file brings."""

    groups: Sequence[Group]
    remarks: Sequence[Remark] = ()


Reader = Callable[[Input], Brought]


def dotted(written: str) -> str:
    """Write a key as sysctl(8) does: where the first separator is a slash, slashes separate, and a dot is a slash."""
    first = re.search(r"[./]", written)
    return path_of(written) if first and first[0] == "/" else written


def path_of(key: str) -> str:
    """Write a key as its path below /proc/sys."""
    return key.translate(str.maketrans("./", "/."))


def is_key(written: str) -> bool:
    """Tell whether a word can be the name of a key; none leads out of /proc/sys."""
    return KEY.fullmatch(written) is not None


def setting(brought: Input, line: int, key: str, asked: str, **more: Any) -> Setting:
    """Make a setting of the words of a line."""
    name = key.strip()
    known = dotted(name) if is_key(name) else ""
    written = "" if known and name == key else key
    return Setting(brought.path, line, known, " ".join(asked.split()), **{"written": written, **more})


def conf(brought: Input) -> Brought:
    """Read sysctl.conf(5): comments begin with `#` or `;`, a hyphen before a key is no part of it."""
    settings = []
    for number, raw in enumerate(brought.text.splitlines(), 1):
        line = raw.strip().lstrip("\ufeff")
        if line and line[0] not in "#;":
            key, equals, asked = line.partition("=") if "=" in line else _without_equals(line)
            name = key.strip()
            settings.append(
                setting(brought, number, name.removeprefix("-").strip(), asked, argv=SYSCTL_OF_STDIN,
                        text=f"{line}\n", ignored=name.startswith("-"), assigns=bool(equals))
            )  # fmt: skip
    return Brought([Group("", tuple(settings))])


def _without_equals(line: str) -> tuple[str, str, str]:
    key, _, asked = line.partition(" ")
    return key, "", asked


def count(path: str, groups: Sequence[Group]) -> None:
    """Refuse what is more than a kernel has. Raises `Usage`."""
    number = sum(len(group.settings) for group in groups)
    if number > MOST:
        raise Usage(
            f"{path} sets {number:,} keys",
            f"more than {MOST:,} are not tried",
            next_step="bring them in parts, one trial after another",
        )
