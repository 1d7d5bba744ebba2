"""The answer of the big run, as a person reads it: what was to be, and what each witness says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connlab.cli.show.terminal import console, joined, new_table, strong, styled

TOLD = 10  # wrong sources that are told one by one


def screen(answer: Mapping[str, Any]) -> None:
    """Print the table, how fast it was, what it took, every problem, and what the counters say of why."""
    out, plan, client, server = console(), answer["plan"], answer["client"], answer["server"]
    out.print(
        joined(
            strong(f"{plan['sources']:,} sources"),
            f" on {plan['clients']} clients, {plan['dials']} dials each, limit {plan['limit']}, server {plan['mode']}",
        )
    )
    table = new_table("what", ">expected", ">counted", "who says so")
    left = answer["left"] or {"sockets": None, "counted": None}
    outcomes = client["outcomes"]
    for what, expected, counted, who in (
        ("sources with exactly that", plan["sources"], plan["sources"] - len(answer["wrong"]), "the clients"),
        ("established", plan["held"], outcomes.get("established", 0), "the clients"),
        ("refused", plan["refused"], outcomes.get("refused", 0), "the clients"),
        ("refused", plan["refused"], server["rule_packets"], "the rule's own counter"),
        ("held", plan["held"], server["sockets"], "the server's sockets (sock_diag)"),
        ("held", plan["held"], server["counted"], "its tracked connections (conntrack)"),
        ("alive", plan["held"], answer["alive"], "an echo over each"),
        ("closed", plan["held"], answer["released"], "the clients (RST)"),
        ("sockets left", 0, left["sockets"], "sock_diag"),
        ("connections counted", 0, left["counted"], "conntrack"),
    ):
        words = "-" if counted is None else f"{counted:,}"
        table.add_row(what, f"{expected:,}", words if counted == expected else styled(words, "red"), who)
    out.print(table)
    seconds = ", ".join(f"{name} {number:g} s" for name, number in answer["seconds"].items())
    rate = f"{client['established_per_second'] or 0:,} established a second"
    apart = (
        f"two dials of one source at least {client['closest_ms']:g} ms apart" if client["closest_ms"] else ""
    )
    out.sentence(", ".join(part for part in (rate, apart, seconds) if part))
    memory = {name: answer["memory"][name]["held"] / 2**20 for name in ("server", "clients")}
    out.sentence(
        f"memory of processes: server {memory['server']:,.0f} MiB, clients {memory['clients']:,.0f} MiB, "
        f"{answer['memory']['per_connection']:,} bytes for each connection that is held"
    )
    for row in [*answer["wrong"], *answer["wrong_in_tables"]][:TOLD]:
        out.sentence(", ".join(f"{name} {value}" for name, value in row.items()))
    if answer["counters"]:
        out.sentence(", ".join(f"{name} {number:+,}" for name, number in answer["counters"].items()))
    for words in answer["reasons"]:
        out.sentence(words)
    for words in answer["problems"]:
        out.sentence(styled(words, "red"))
    out.sentence(styled("exact", "green") if answer["exact"] else styled("not exact", "red"))
