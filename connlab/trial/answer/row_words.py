"""A row of the answer in words, those in which an expectation is written: `20 per /24, silence`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

Row = Mapping[str, Any]
# Of a row: its port and family, whose dials it is about, the interface that they come by, their target.
Key = tuple[int, int, str, str, str]
FAMILIES = {4: "IPv4", 6: "IPv6"}


def row_words(row: Row) -> str:
    """Say who gets in and what the others see."""
    return f"{admitted(row)}, {row['refusal']}" if row["refusal"] != "none" else admitted(row)


def admitted(row: Row) -> str:
    """Say how many get in, and who shares the count: `12 per /24 with 8082`, `nobody`, `unlimited`.

    `some` where the first is refused and later ones are not: by chance, or by the clock.
    """
    if row["limit"] is None:
        return "unlimited"
    if row["limit"] == 0:
        return "some" if "E" in row["pattern"] else "nobody"
    others = [str(port) for port in row["ports"] if port != row["port"]]
    return f"{row['limit']}{sharing(row['shared_by'])}{' with ' if others else ''}{' and '.join(others)}"


def sharing(shared_by: str | None) -> str:
    """Say whose connections are counted together, after a number."""
    if shared_by is None:
        return ""
    return " for everybody" if shared_by == "everybody" else f" per {shared_by}"


def whose(row: Row) -> str:
    """Say whose dials a row is about: `IPv4 via eth0`, `IPv6 from 2001:db8::/32 via wan0 to 2001:db8::10`."""
    source = "" if row["from"] == "any" else f" from {row['from']}"
    target = f" to {row['to']}" if "to" in row else ""
    return f"{FAMILIES[row['family']]}{source} via {row['via']}{target}"


def key(row: Row) -> Key:
    """Name a row, whatever the kernel."""
    return row["port"], row["family"], row["from"], row["via"], row.get("to", "any")


def dials_words(row: Row, keys: Collection[Key]) -> str:
    """Say whose dials a row is about, and no more than tells it from the others of its port, among all `keys`."""
    of_its_port = [each for each in keys if each[:2] == key(row)[:2]]
    return whose(row) if len(of_its_port) > 1 else FAMILIES[row["family"]]
