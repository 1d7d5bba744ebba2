"""What became of dials, and of messages through each kind of socket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.text import Text

from lab.show.terminal import coloured, console, joined, new_table, strong, styled

SOCKET_NOTES = """Type 5 is SOCK_SEQPACKET (Linux has no
SOCK_CONN_DGRAM); 4, SOCK_RDM, is a name without a protocol in these families. The lab's own hosts have
IPv6 off: those messages went between two spare hosts, by their link-local addresses."""


def attempts(rows: Iterable[Mapping[str, Any]], totals: Mapping[str, int], counter: int) -> None:
    """A line for each dial, then the sums, and what the rule's own counter says of them."""
    table = new_table(">#", "outcome", "source", ">µs", "errno")
    for number, row in enumerate(rows, 1):
        table.add_row(
            str(number),
            coloured(row["outcome"]),
            f"{row['source']}:{row['source_port']}",
            str(row["us"]),
            row["errno"] or "",
        )
    out = console()
    out.print(table)
    sums = ", ".join(f"{count} {outcome}" for outcome, count in totals.items())
    out.print(joined(strong(sums), f"; the policy's rule counted {counter} refusals meanwhile"))


def sockets(result: Mapping[str, Any]) -> None:
    """The article's table: what each host's kernel gives for a family and a type, and a message through it."""
    table = new_table("family", "type", result["client"], result["server"], "a message there and back")
    passed = {(row["family"], row["type"]): row for row in result["exchanged"]}
    for row in result["tried"]:
        table.add_row(
            f"{row['family']} ({row['family_number']})",
            f"{row['type']} ({row['type_number']})",
            *(_made(row["type"], row[host]) for host in ("client", "server")),
            _passed(passed.get((row["family"], row["type"]))),
        )
    out = console()
    out.print(table)
    out.print(f"Asked by {result['user']}, who has no capability; SOCK_RAW for ICMP. {SOCKET_NOTES}")


def _made(asked: str, said: Mapping[str, Any]) -> Text:
    word = coloured(said["state"])
    if said["errno"]:
        return joined(word, f" ({said['errno']})")
    return word if said["made"] == asked else joined(word, f", as {said['made']}")


def _passed(row: Mapping[str, Any] | None) -> str | Text:
    if row is None:
        return "-"
    if not row["came_back"]:
        return joined(styled("no", "red"), f": {row['error'] or 'something else came back'}")
    return f"{row['from']} to {row['to']}, {row['us'] / 1000:.2f} ms"
