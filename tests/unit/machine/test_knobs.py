"""One table of knobs, three readers: the lab, the server and the client say the same of a value, in the same words."""

from __future__ import annotations

import pytest

from connlab.base import settings
from connlab.base.errors import Usage
from connlab.machine import knobs
from tests.support.files_variable import PROFILES, files_variable
from tests.support.menu import MENU

BAD = [
    ("PORT", "0", "is not a whole number from 1 to 65535"),
    ("DIALS", "lots", "is not a whole number from 1 to 20000"),
    ("PERIOD", "nan", "is not a number from 0.01 to 86400"),
    ("PERIOD", "1e3", "is not a number from 0.01 to 86400"),
    ("LOG_FORMAT", "xml", "is none of: json, text"),
    ("LOG_FORMAT", "", "is none of: json, text"),
    ("WORKLOAD", "sleep", "names no file client/workloads/*.py; there are: burst, churn, hold, idle"),
    ("CLIENT_SYSCTL", "stock.yaml", f"names no file sysctl/*.yaml; there are: {', '.join(PROFILES)}"),
    ("SYSCTL", "", f"names no file sysctl/*.yaml; there are: {', '.join(PROFILES)}"),
    ("POOL_SIZE", "0", "is not a whole number from 1 to 1000"),
    ("LISTEN", "fe80::1", "is not an IPv4 address or a name"),
    ("CONNLAB_SERVER", "", "is not a host name or an IPv4 address"),
]


@pytest.mark.parametrize(("knob", "text", "complaint"), BAD)
def test_every_reader_refuses_a_bad_value_in_the_same_words(knob, text, complaint):
    """Whoever reads the knob: which one, its value, and what is allowed."""
    readers = [reader for reader in ("lab", "server", "client") if knob in knobs.names_of(reader)]
    messages = []
    for reader in readers:
        with pytest.raises((Usage, ValueError)) as refusal:
            read(reader, **{knob: text})
        messages.append(str(refusal.value))
    assert messages == [f"{knob}={text!r} {complaint}"] * len(readers) != []


def read(reader: str, **values: str) -> object:
    """Return what a reader makes of the menu with these values."""
    if reader == "lab":
        return settings.read(values)
    return knobs.read(reader, MENU | files_variable() | values)


@pytest.mark.parametrize("reader", ["lab", "server", "client"])
@pytest.mark.parametrize(("knob", "text"), [("PERIOD", "0.5"), ("LOG_FORMAT", "text"), ("BACKLOG", "")])
def test_every_reader_takes_a_good_value(reader, knob, text):
    """The control, at values of which only some readers took each."""
    read(reader, **{knob: text})


@pytest.mark.parametrize("host", ["server", "client"])
def test_a_default_is_the_line_of_the_menu(host):
    """A host without an environment is what `.env` says; nothing is said of a profile that a client was not given."""
    defaults = knobs.read(host, MENU | files_variable())
    assert knobs.read(host, files_variable()) == {
        **defaults,
        **({"client_sysctl": None} if host == "client" else {}),
    }


def test_every_knob_of_the_menu_is_in_the_table():
    """And every one of the table, but the one of the tests, is on the menu."""
    assert set(knobs.names_of("lab")) == set(MENU)
    assert set(knobs.KNOBS) - set(MENU) == {"CONNLAB_SERVER"}
