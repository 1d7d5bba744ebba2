"""The lab as it runs: its hosts, its policy and settings, what is wrong with this machine."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from connlab.cli.show.terminal import coloured, console, joined, new_table, strong, styled
from connlab.kernel import policy

NEXT = (
    ("make attempt CLIENT={client} COUNT=20", "dial 20 times from one client and see the limit bite"),
    ("make scale-clients N=20", "more clients, same server"),
    ("make logs F=1", "the story as it happens, refused SYNs included"),
)


OTHERS = 10  # rows of sources that are no client; of more the sums are shown


def hosts(status: Mapping[str, Any]) -> None:
    """Print the table that `up`, `scale` and `status` end with: a line for each host, and for each other source."""
    out, server = console(), status["server"]
    heading = f": policy {server['policy']}, port {server['port']}, mode {server['mode']}"
    out.print(joined("\n", strong(status["project"]), heading))
    table = new_table("host", "address", "state", ">held", ">counted", ">accepted", ">refused")
    table.padding = (0, 1, 0, 0)  # it fits into 80 columns
    for column in table.columns:
        column.no_wrap = column.header != "state"
    if server["listener"] is None:
        server = {**server, "state": "does not answer"}
    elif server["listener"]["state"] != "listening":
        server = {**server, "state": "not listening"}
    for host in (server, *status["clients"], *_others(status["others"])):
        table.add_row(
            host["name"],
            host["address"] or "-",
            coloured(host["state"]),
            _number(host, "held"),
            _number(host, "counted"),
            _number(host, "accepted"),
            _number(host, "refused", "red"),
        )
    out.print(table)
    for line in notes(status):
        out.sentence(line)
    policy_notices(status["policy"])


def states(status: Mapping[str, Any]) -> None:
    """Print the state of each host, where the server cannot be asked for numbers."""
    table = new_table("host", "address", "state")
    for host in (*([status["server"]] if status["server"] else []), *status["clients"]):
        table.add_row(host["name"], host["address"] or "-", coloured(host["state"]))
    console().print(joined("\n", strong(status["project"])))
    console().print(table)


def notes(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield what must be known to read the numbers; nothing if they are what they seem."""
    server, rows = status["server"], [*status["clients"], *status["others"]]
    if server["counted"] is None:
        yield "counted: no rule in the kernel counts connections, or the rules are not known"
    elif server["held"] != server["counted"]:
        yield (
            "held: established, by the server's sockets; counted: what the limit counts, by its conntrack, without"
            " connections that are older than its count"
        )
    if server["silent"]:
        yield (
            f"the server process does not answer ({server['silent']}), so nobody knows what it accepted, nor which"
            " sources were refused"
        )
    elif server["refused_lost"] is None:
        yield "refused: the policy reports no refusals, so nobody knows of which source they were"
    elif server["refused_lost"]:
        yield (
            f"≥ at least: {server['refused_lost']} refusals that the rules counted were told by no event, so nobody"
            " knows of which source they were"
        )
    elif server["refused_behind"]:
        yield "≥ at least: the server has not read all reports of refusals yet"
    elif any(row["refused_at_least"] or row["accepted_at_least"] for row in rows):
        yield "≥ at least: it is not known of all whether an earlier host of the address did them"


def policy_notices(policy_report: Mapping[str, Any]) -> None:
    """Print what must be known of the policy before a count is believed; nothing if all is well."""
    for line in policy.notices(policy_report):
        console().sentence(styled(line, "red"))


def _others(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """List a line for each source that is no client, those with connections first, and sums beyond `OTHERS`."""
    ordered = sorted(rows, key=lambda row: -(row["held"] + (row["counted"] or 0)))
    lines = [
        {**row, "name": "other", "state": "earlier host" if row["earlier"] else "no client"}
        for row in ordered[:OTHERS]
    ]
    if remainder := ordered[OTHERS:]:
        sums = {
            what: sum(row[what] or 0 for row in remainder)
            for what in ("held", "counted", "accepted", "refused")
            if what != "refused" or remainder[0]["refused"] is not None
        }
        unsure = {
            f"{what}_at_least": any(row[f"{what}_at_least"] for row in remainder)
            for what in ("counted", "accepted", "refused")
        }
        lines.append(
            {"name": "others", "address": f"{len(remainder)} more", "state": "no client", **sums, **unsure}
        )
    return lines


def whats_next(clients: Sequence[int]) -> None:
    """Three commands to try, with the number of one of these clients; without any the first one is left out."""
    out = console()
    for command, what in NEXT if clients else NEXT[1:]:
        words = command.format(client=clients[:2][-1] if clients else "")
        out.sentence(what, joined("  ", strong(f"{words:<32}"), " "))


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


def checks(rows: Sequence[Mapping[str, str]]) -> None:
    """Print the lines of `connlab doctor`, each with a fix where one is needed."""
    out = console()
    for row in rows:
        out.sentence(f"{row['name']} - {row['detail']}", joined(coloured(f"{row['result']:<4}"), "  "))
        if row["fix"]:
            out.sentence(row["fix"], "      fix: ")


def _by_sockets(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Group the names of the hosts that have the same sockets, by what is said of those."""
    names_by_sockets: dict[str, list[str]] = {}
    for row in rows:
        states = row["sockets"]
        known = ", ".join(f"{state} {count}" for state, count in (states or {}).items()) or "none"
        names_by_sockets.setdefault(
            known if states is not None else f"- ({row['sockets_unknown']})", []
        ).append(row["name"])
    return names_by_sockets


def _ranges(names: Iterable[str]) -> Iterator[str]:
    """Names in their order, neighbours' numbers taken together: `client-1 to 20`."""
    pairs = [(name.rpartition("-")[0], int(name.rpartition("-")[2])) for name in names]
    for _, run in itertools.groupby(enumerate(pairs), lambda pair: (pair[1][0], pair[1][1] - pair[0])):
        (_, (service, first)), *rest = run
        yield f"{service}-{first}" + (f" to {rest[-1][1][1]}" if rest else "")


def _number(row: Mapping[str, Any], what: str, style: str = "") -> Text:
    """Format a number of a row: `-` if nobody knows it, with ≥ if it may be more."""
    if (number := row.get(what)) is None:
        return styled("-", "dim")
    return styled(f"≥{number}" if row.get(f"{what}_at_least") else number, style if number else "")
