"""The knobs of a client host, read from the environment once. Same names and defaults as `.env`."""

from __future__ import annotations

import os

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _files(folder: str, suffix: str) -> list[str]:
    """The words that a knob which names a file of a folder may have."""
    names = os.listdir(os.path.join(HOME, folder))
    return sorted(n[: -len(suffix)] for n in names if n.endswith(suffix) and not n.startswith("_"))


def _one_of(*words: str):
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"is not one of these; allowed: {', '.join(words)}")
        return text

    return parse


def _number(kind: type, low: float, high: float):
    def parse(text: str) -> int | float:
        words = "whole number" if kind is int else "number"
        try:
            value = kind(text)
        except ValueError:
            raise ValueError(f"is not a {words}; allowed: {low} to {high}") from None
        if not low <= value <= high:
            raise ValueError(f"is out of range; allowed: {low} to {high}")
        return value

    return parse


def _name(text: str) -> str:
    if not text:
        raise ValueError("is empty; allowed: a host name or an IPv4 address")
    return text


KNOBS = {
    "WORKLOAD": ("burst", _one_of(*_files("client/workloads", ".py"))),
    "DIALS": ("20", _number(int, 1, 20_000)),
    "PERIOD": ("10", _number(float, 0.01, 86_400)),
    "PORT": ("12345", _number(int, 1, 65_535)),
    "CLIENT_SYSCTL": ("stock", _one_of(*_files("sysctl", ".yaml"))),
    "LOG_FORMAT": ("json", _one_of("json", "text")),
    # Not on the menu: the tests' way to a server that is no container.
    "CONNLAB_SERVER": ("server", _name),
}


def read(environ: dict[str, str]) -> dict:
    """The knobs by their lower-case names.

    Raises ValueError with a line for the user: which knob, what is wrong, what is allowed.
    """
    values = {}
    for knob, (default, parse) in KNOBS.items():
        text = environ.get(knob, default)
        try:
            values[knob.lower()] = parse(text)
        except ValueError as error:
            raise ValueError(f"{knob}={text!r} {error}") from None
    return values
