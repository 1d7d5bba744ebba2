"""Profiles of kernel settings, read from sysctl/: each is a Compose fragment for a host, server or client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from connlab.base.errors import LabError
from connlab.base.settings import HOME
from connlab.cluster import profile_reader as reading

T = TypeVar("T")


def path(name: str) -> str:
    """Return the file of a profile, as a person would write it."""
    return f"sysctl/{name}.yaml"


def sysctls(name: str) -> Mapping[str, str]:
    """Read the keys that a host of this profile is created with, without those that Linux removed.

    Values are texts as the kernel writes them. Raises `LabError` if the file cannot be read.
    """
    return _read(name, reading.read)[0]


def by_file(knobs: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    """Read the profiles of the server and of the clients; their keys by file. Raises `LabError`."""
    names = (knobs[knob] for knob in ("SYSCTL", "CLIENT_SYSCTL"))
    return {path(name): sysctls(name) for name in names}


def conf(name: str) -> str:
    """Return the profile as its host gets it, in the form of sysctl.conf(5), removed keys too. Raises `LabError`."""
    return _read(name, reading.conf)


def _read(name: str, parse: Callable[[str], T]) -> T:
    try:
        return parse((HOME / path(name)).read_text(encoding="utf-8"))
    except FileNotFoundError:
        problem = "there is no such file"
    except OSError as error:
        problem = str(error.strerror)
    except UnicodeDecodeError as error:
        problem = f"it is not UTF-8 (byte {error.start})"
    except reading.BadProfile as bad:
        problem = str(bad)
    raise LabError(path(name), problem, next_step="mend the file, or take another (sysctl/stock.yaml)")
