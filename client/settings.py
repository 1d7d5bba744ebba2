"""The knobs of a client host, read from the environment once. Same names and defaults as `.env`."""

from __future__ import annotations

from connlab.machine import files


def _one_of(*words: str):
    return lambda text, _environ: _among(text, words)


def _file(folder: str, suffix: str):
    """The name of a file of a folder, without its suffix."""
    return lambda text, environ: _among(text, files.names(folder, suffix, environ))


def _profile(text: str, environ: dict[str, str]) -> str:
    """The name of a profile; a process that was given none has its machine's settings."""
    return _among(text, files.names("sysctl", ".conf", environ)) if "CLIENT_SYSCTL" in environ else text


def _among(text: str, words) -> str:
    if text not in words:
        raise ValueError(f"is not one of these; allowed: {', '.join(words)}")
    return text


def _number(kind: type, low: float, high: float):
    def parse(text: str, _environ: dict[str, str]) -> int | float:
        words = "whole number" if kind is int else "number"
        try:
            value = kind(text)
        except ValueError:
            raise ValueError(f"is not a {words}; allowed: {low} to {high}") from None
        if not low <= value <= high:
            raise ValueError(f"is out of range; allowed: {low} to {high}")
        return value

    return parse


def _name(text: str, _environ: dict[str, str]) -> str:
    if not text:
        raise ValueError("is empty; allowed: a host name or an IPv4 address")
    return text


KNOBS = {
    "WORKLOAD": ("burst", _file("client/workloads", ".py")),
    "DIALS": ("20", _number(int, 1, 20_000)),
    "PERIOD": ("10", _number(float, 0.01, 86_400)),
    "PORT": ("12345", _number(int, 1, 65_535)),
    "CLIENT_SYSCTL": ("stock", _profile),
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
            values[knob.lower()] = parse(text, environ)
        except ValueError as error:
            raise ValueError(f"{knob}={text!r} {error}") from None
    return values
