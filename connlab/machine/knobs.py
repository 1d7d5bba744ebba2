"""Every knob: what it may be, its default, and who reads it. The lab, the server and the client check by this table.

The lab checks before a container is touched; the hosts check again, because plain Compose does not pass through it.
A knob that the environment of a host does not have takes its default, which is the line of `.env`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence

from connlab.machine import files

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time typing would cost each start 5 ms
    from typing import Any

# The names of the files of a folder that have a suffix, without it.
Listing = Callable[[str, str], Sequence[str]]
Check = Callable[[str, Listing], str]  # returns what is wrong with a text, or nothing
Kind = tuple[Check, Callable[[str], object]]  # and the value of a good text


def whole_number(low: int, high: int) -> Kind:
    """Make the kind of the whole numbers from `low` to `high`, in ASCII digits alone."""

    def check(text: str, _: Listing) -> str:
        good = re.fullmatch(r"[0-9]{1,12}", text) and low <= int(text) <= high
        return "" if good else f"is not a whole number from {low} to {high}"

    return check, int


def power_of_two(most: int) -> Kind:
    """Make the kind of the powers of two from 1 to `most`."""
    allowed = [str(2**n) for n in range(most.bit_length())]
    return lambda text, _: "" if text in allowed else f"is no power of two from 1 to {most}", int


def number(low: float, high: float) -> Kind:
    """Make the kind of the numbers from `low` to `high`, with a decimal point or without."""

    def check(text: str, _: Listing) -> str:
        good = re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", text) and low <= float(text) <= high
        return "" if good else f"is not a number from {low:g} to {high:g}"

    return check, float


def one_of(*allowed: str) -> Kind:
    """Make the kind of these words."""
    return lambda text, _: "" if text in allowed else f"is none of: {', '.join(allowed)}", str


def matching(pattern: str, what: str) -> Kind:
    """Make the kind of the texts that a regular expression matches whole."""
    return lambda text, _: "" if re.fullmatch(pattern, text) else f"is not {what}", str


def file(folder: str, suffix: str) -> Kind:
    """Make the kind of the files of a folder: its content is the list of what is allowed."""

    def check(text: str, listing: Listing) -> str:
        names = listing(folder, suffix)
        return "" if text in names else f"names no file {folder}/*{suffix}; there are: {', '.join(names)}"

    return check, str


def policy(suffix: str, others: Mapping[str, str]) -> Kind:
    """Make the kind of the policies that a server loads; of those with another suffix it says what to do."""
    check_file, value = file("firewall", suffix)

    def check(text: str, listing: Listing) -> str:
        wrong = check_file(text, listing)
        if "/" in text and (os.path.isfile(text) or listing("own", suffix)):
            return ""  # a file of the user's, which a host has under a name of its own
        for other, words in others.items():
            if wrong and text in listing("firewall", other):
                return f"is {words}firewall/{text}{other}"
        return wrong

    return check, value


def or_empty(kind: Kind) -> Kind:
    """Make a kind that may be empty too, which is None."""
    check, value = kind
    return lambda text, listing: text and check(text, listing), lambda text: value(text) if text else None


# Policies of firewall/ that are not iptables' text for IPv4, which is what a name stands for.
NOT_BY_NAME = {
    ".nft": "nft rules, which a lab takes by their path: FIREWALL=",
    ".rules6": "ip6tables text, and a lab's network is IPv4: connlab try ",
}
ANYTHING: Kind = (lambda _text, _known: "", str)
LAB, HOSTS, SERVER, CLIENT = "lab", "lab server client", "lab server", "lab client"

# name: kind, default (None: nothing is said of a process that was given none), readers
KNOBS: dict[str, tuple[Kind, str | None, str]] = {
    "COMPOSE_PROJECT_NAME": (
        # With `_client_1000` it is a host's name, a DNS label, and those have 63 characters (RFC 1035 §2.3.4): a host
        # with a longer name is answered none by Docker's resolver and could not say which one it is.
        matching(r"[a-z0-9][a-z0-9_-]{0,50}", "a project name (a-z, 0-9, - and _; at most 51 characters)"),
        "connlab",
        LAB,
    ),
    "CLIENTS": (whole_number(0, 1000), "3", LAB),
    "SOURCES_PER_CLIENT": (power_of_two(1024), "1", LAB),
    "PORT": (whole_number(1, 65_535), "12345", HOSTS),
    "CONNLIMIT": (whole_number(0, 2**32 - 1), "15", SERVER),
    "FIREWALL": (policy(".rules", NOT_BY_NAME), "connlimit", SERVER),
    "SYSCTL": (file("sysctl", ".yaml"), "article", SERVER),
    "CLIENT_SYSCTL": (file("sysctl", ".yaml"), None, CLIENT),
    "SERVER_MODE": (file("server/modes", ".py"), "threading", SERVER),
    "BACKLOG": (or_empty(whole_number(0, 2**31 - 1)), "", SERVER),
    "REUSE_ADDRESS": (whole_number(0, 1), "1", SERVER),
    "LISTEN": (matching(r"[A-Za-z0-9._-]*", "an IPv4 address or a name"), "", SERVER),
    "POOL_SIZE": (whole_number(1, 1000), "10", SERVER),
    "WORKERS": (whole_number(1, 64), "2", SERVER),
    "HANDLER": (one_of("echo", "article"), "echo", SERVER),
    "GREETING": (ANYTHING, "", SERVER),
    "EVENTS": (one_of("each", "summary"), "each", SERVER),
    "WORKLOAD": (file("client/workloads", ".py"), "burst", CLIENT),
    "DIALS": (whole_number(1, 20_000), "20", CLIENT),
    "PERIOD": (number(0.01, 86_400), "10", CLIENT),
    "LOG_FORMAT": (one_of("json", "text"), "json", HOSTS),
    "BASE_IMAGE": (matching(r"[\w][\w./:@-]*", "the name of an image"), "debian:trixie-slim", LAB),
    # Not on the menu: the tests' way to a server that is no container.
    "CONNLAB_SERVER": (matching(r".+", "a host name or an IPv4 address"), "server", "client"),
}


def problem(name: str, text: str, listing: Listing) -> str:
    """Say what is wrong with the text of a knob; nothing if it is good, or no knob's."""
    kind, _, _ = KNOBS.get(name, (ANYTHING, None, ""))
    return kind[0](text, listing)


def names_of(reader: str) -> list[str]:
    """List the knobs of `lab`, `server` or `client`, in the order of the table."""
    return [name for name, (_, _, readers) in KNOBS.items() if reader in readers.split()]


def clash(mode: str, handler: str, greeting: str) -> str:
    """Say what is wrong with knobs that are each good alone; nothing if they go together."""
    if mode == "greeting" and greeting:
        return "GREETING is not for SERVER_MODE=greeting: it always sends the article's own"
    if mode in ("greeting", "prefork", "selectors") and handler != "echo":
        allowed = "iterative, threading, forking, pool"
        return f"HANDLER={handler} is not for SERVER_MODE={mode}; it has a handler in: {allowed}"
    return ""


def read(reader: str, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Read the knobs of this host, by their names in lower case. Raises ValueError: which, why, what is allowed."""

    def listing(folder: str, suffix: str) -> Sequence[str]:
        return files.names(folder, ".conf" if suffix == ".yaml" else suffix, environment)

    values: dict[str, Any] = {}
    for name in names_of(reader):
        (check, value), default, _ = KNOBS[name]
        text = environment.get(name, default)
        if text is not None and (wrong := check(text, listing)):
            raise ValueError(f"{name}={text!r} {wrong}")
        values[name.lower()] = None if text is None else value(text)
    return values
