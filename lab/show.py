"""What people look at: tables for a terminal, plain text for a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab.verdicts import Judged

NEXT = (
    ("make attempt CLIENT=2 COUNT=20", "dial 20 times from one client and see the limit bite"),
    ("make scale-clients N=20", "more clients, same server"),
    ("make logs F=1", "the story as it happens, refused SYNs included"),
)


def console() -> Console:
    """Standard output; wide when it is no terminal, because a wrapped line is no use to grep."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=240)


def hosts(status: Mapping[str, Any]) -> None:
    """The table that `up`, `scale` and `status` end with: a line for each host."""
    server = status["server"]
    table = _table("host", "address", "state", ">held", ">established", ">refused")
    total = sum(client["held"] for client in status["clients"])
    for host in ({**server, "held": total}, *status["clients"]):
        table.add_row(
            host["name"],
            host["address"],
            _state(host["state"]),
            str(host["held"]),
            str(host["accepted"]),
            _count(host["refused"]),
        )
    console().print(table)


def whats_next() -> None:
    """Three commands to try."""
    out = console()
    for command, what in NEXT:
        out.print(f"  [bold]{command:<32}[/bold] {what}")


def details(status: Mapping[str, Any]) -> None:
    """Everything else that `lab status` knows."""
    out, server = console(), status["server"]
    out.print(f"\n[bold]server[/bold]    mode {server['mode']}, port {server['port']}")
    limit = f"{server['limit']} connections per source"
    out.print(f"[bold]policy[/bold]    {server['policy']}, {limit}, backend {server['backend']}\n")
    out.print("packets   rule")
    for rule in status["rules"]:
        out.print(f"{rule['packets']:>7}   {rule['text']}", soft_wrap=True, markup=False)
    table = _table("host", "sysctl", ">declared", ">effective", "state")
    for key in (*({"host": server["name"], **key} for key in status["sysctls"]), *status["client_sysctls"]):
        table.add_row(key["host"], key["key"], key["declared"], key["effective"] or "-", _state(key["state"]))
    out.print(table)
    states = ", ".join(f"{state} {count}" for state, count in status["sockets"].items())
    out.print(f"[bold]sockets[/bold]   {states}")
    out.print(f"[bold]conntrack[/bold] {status['conntrack']} entries")


def attempts(rows: Iterable[Mapping[str, Any]], totals: Mapping[str, int], counter: int) -> None:
    """A line for each dial, then the sums, and what the rule's own counter says of them."""
    table = _table(">#", "outcome", "source", ">µs", "errno")
    for number, row in enumerate(rows, 1):
        table.add_row(
            str(number),
            _state(row["outcome"]),
            f"{row['source']}:{row['source_port']}",
            str(row["us"]),
            row["errno"] or "",
        )
    out = console()
    out.print(table)
    sums = ", ".join(f"{count} {outcome}" for outcome, count in totals.items())
    out.print(f"[bold]{sums}[/bold]; the policy's rule counted {counter} refusals meanwhile")


def sockets(result: Mapping[str, Any]) -> None:
    """The article's table: what each host's kernel gives for a family and a type, and a message through it."""
    table = _table("family", "type", result["client"], result["server"], "a message there and back")
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


SOCKET_NOTES = """Type 5 is SOCK_SEQPACKET (Linux has no
SOCK_CONN_DGRAM); 4, SOCK_RDM, is a name without a protocol in these families. The lab's own hosts have
IPv6 off: those messages went between two spare hosts, by their link-local addresses."""


def claims(rows: Sequence[Judged]) -> None:
    """A claim, its verdict, and what was measured; at a terminal as wide as that is."""
    out = console()
    for row in rows:
        out.print(f"{_state(f'{row.verdict:<8}')}  {row.sentence} [dim]({row.source})[/dim]", soft_wrap=True)
        if row.evidence:
            out.print(f"           {escape(row.evidence)}", soft_wrap=True)
            out.print(f"           [dim]{escape(row.test)}[/dim]", soft_wrap=True)


def effects(rows: Sequence[Judged]) -> None:
    """The matrix: a line for each setting and side, with what was measured beside what people expect."""
    out = console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=True)
    for name, share in (
        ("setting", 5),
        ("side", 2),
        ("what people expect", 8),
        ("what was measured", 14),
        ("verdict", 3),
    ):
        table.add_column(name, ratio=share, overflow="fold")
    said = ""
    for row in rows:
        table.add_row("" if row.setting == said else escape(row.setting), row.side, escape(row.sentence),
                      escape(row.evidence) or "-", _state(row.verdict))  # fmt: skip
        said = row.setting
    out.print(table)


def checks(rows: Sequence[Mapping[str, str]]) -> None:
    """The lines of `lab doctor`, each with a fix where one is needed."""
    out = console()
    for row in rows:
        out.print(f"{_state(row['result']):<4}  {row['name']} - {row['detail']}")
        if row["fix"]:
            out.print(f"      fix: {row['fix']}")


def _table(*columns: str) -> Table:
    """Columns whose name starts with > are numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(
            name.lstrip(">"), justify="right" if name.startswith(">") else "left", overflow="fold"
        )
    return table


COLOURS = {
    "holds": "green", "refuted": "red", "depends": "yellow", "not run": "yellow",
    "running": "green", "established": "green", "applied": "green", "PASS": "green",
    "refused": "red", "exited": "red", "differs": "red", "FAIL": "red",
    "supported": "green", "needs CAP_NET_RAW": "yellow", "absent": "yellow", "WARN": "yellow", "timed_out": "yellow",
}  # fmt: skip


def _state(word: str) -> str:
    colour = COLOURS.get(word.strip())
    return f"[{colour}]{word}[/]" if colour else word


def _made(asked: str, said: Mapping[str, Any]) -> str:
    word = _state(said["state"])
    if said["errno"]:
        return f"{word} ({said['errno']})"
    return word if said["made"] == asked else f"{word}, as {said['made']}"


def _passed(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "-"
    if not row["came_back"]:
        return f"[red]no[/]: {escape(row['error'] or 'something else came back')}"
    return f"{row['from']} to {row['to']}, {row['us'] / 1000:.2f} ms"


def _count(number: int) -> str:
    return f"[red]{number}[/]" if number else "0"
