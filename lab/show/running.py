"""The lab as it runs: its hosts, its policy and settings, what is wrong with this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from lab.show.terminal import coloured, console, joined, new_table, strong, styled

NEXT = (
    ("make attempt CLIENT=2 COUNT=20", "dial 20 times from one client and see the limit bite"),
    ("make scale-clients N=20", "more clients, same server"),
    ("make logs F=1", "the story as it happens, refused SYNs included"),
)


def hosts(status: Mapping[str, Any]) -> None:
    """The table that `up`, `scale` and `status` end with: a line for each host."""
    server = status["server"]
    table = new_table("host", "address", "state", ">held", ">established", ">refused")
    total = sum(client["held"] for client in status["clients"])
    for host in ({**server, "held": total}, *status["clients"]):
        table.add_row(
            host["name"],
            host["address"],
            coloured(host["state"]),
            str(host["held"]),
            str(host["accepted"]),
            _count(host["refused"]),
        )
    console().print(table)


def whats_next() -> None:
    """Three commands to try."""
    out = console()
    for command, what in NEXT:
        out.print(joined("  ", strong(f"{command:<32}"), f" {what}"))


def details(status: Mapping[str, Any]) -> None:
    """Everything else that `lab status` knows."""
    out, server = console(), status["server"]
    out.print(joined("\n", strong("server"), f"    mode {server['mode']}, port {server['port']}"))
    limit = f"{server['limit']} connections per source"
    out.print(joined(strong("policy"), f"    {server['policy']}, {limit}, backend {server['backend']}\n"))
    out.print("packets   rule")
    for rule in status["rules"]:
        out.print(f"{rule['packets']:>7}   {rule['text']}", soft_wrap=True)
    table = new_table("host", "sysctl", ">declared", ">effective", "state")
    for key in (*({"host": server["name"], **key} for key in status["sysctls"]), *status["client_sysctls"]):
        table.add_row(
            key["host"], key["key"], key["declared"], key["effective"] or "-", coloured(key["state"])
        )
    out.print(table)
    states = ", ".join(f"{state} {count}" for state, count in status["sockets"].items())
    out.print(joined(strong("sockets"), f"   {states}"))
    out.print(joined(strong("conntrack"), f" {status['conntrack']} entries"))


def checks(rows: Sequence[Mapping[str, str]]) -> None:
    """The lines of `lab doctor`, each with a fix where one is needed."""
    out = console()
    for row in rows:
        out.print(joined(coloured(f"{row['result']:<4}"), f"  {row['name']} - {row['detail']}"))
        if row["fix"]:
            out.print(f"      fix: {row['fix']}")


def _count(number: int) -> Text:
    return styled(number, "red" if number else "")
