"""What `lab status` alone prints of a lab: its listener, policy and rules, each host's settings and sockets."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from connlab.cli.show.terminal import coloured, console, joined, new_table, strong
from connlab.kernel import policy


def details(status: Mapping[str, Any]) -> None:
    """Everything else that `lab status` knows."""
    out, server = console(), status["server"]
    out.print()
    out.sentence(f"mode {server['mode']}, port {server['port']}", strong("server    "))
    out.sentence(_listener(server["listener"]), strong("listener  "))
    policy_report = status["policy"]
    state = joined(f"{server['policy']}, ", coloured(policy_report["state"].replace("_", " ")))
    limit = f": {policy.describe_limit(policy_report)}; backend {server['backend']}"
    out.sentence(joined(state, limit), strong("policy    "))
    out.print()
    since = "" if policy_report["loaded"] is None else f" (packets since {policy_report['loaded']})"
    out.print(f"packets   table      rule{since}")
    for rule in status["rules"]:
        out.sentence(rule["text"], f"{rule['packets']:>7}   {rule['table']:<8}   ")
    table = new_table("host", "sysctl", ">declared", ">effective", "state")
    for key in (*({"host": server["name"], **key} for key in status["sysctls"]), *status["client_sysctls"]):
        table.add_row(
            key["host"], key["key"], key["declared"], key["effective"] or "-", coloured(key["state"])
        )
    out.print(table)
    table = new_table("host", "TCP sockets")
    for sockets, names in _by_sockets([server, *status["clients"]]).items():
        table.add_row(", ".join(_ranges(names)), sockets)
    out.print(table)
    states = ", ".join(f"{state} {count}" for state, count in status["conntrack_states"].items())
    out.sentence(f"{status['conntrack']} entries on the server: {states or 'none'}", strong("conntrack "))


def _listener(listener: Mapping[str, Any] | None) -> str:
    """Whether the server listens, and what bind(2) said if it does not (`lab restart`)."""
    if listener is None:
        return "unknown: the server process does not answer"
    flag = "with SO_REUSEADDR" if listener["reuse_address"] else "without SO_REUSEADDR"
    if listener["state"] == "failed":
        return f"none: bind(2), {flag}: {listener['error']}; tried again each second"
    last = listener["last"]
    again = (
        f", again for a restart, after {last['listening_s']:.3g} s" if last and last["listening_s"] else ""
    )
    return f"{listener['state']}, {flag}{again}"


def _by_sockets(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Group the names of the hosts that have the same sockets, by what is said of those."""
    names_by_sockets: dict[str, list[str]] = {}
    for row in rows:
        states = row["sockets"]
        words = ", ".join(f"{state} {count}" for state, count in (states or {}).items()) or "none"
        names_by_sockets.setdefault(
            words if states is not None else f"- ({row['sockets_unknown']})", []
        ).append(row["name"])
    return names_by_sockets


def _ranges(names: Iterable[str]) -> Iterator[str]:
    """Names in their order, neighbours' numbers taken together: `client-1 to 20`."""
    pairs = [(name.rpartition("-")[0], int(name.rpartition("-")[2])) for name in names]
    for _, run in itertools.groupby(enumerate(pairs), lambda pair: (pair[1][0], pair[1][1] - pair[0])):
        (_, (service, first)), *rest = run
        yield f"{service}-{first}" + (f" to {rest[-1][1][1]}" if rest else "")
