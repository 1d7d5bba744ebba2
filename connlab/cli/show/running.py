"""The lab as it runs: its hosts and what they count, and what must be known to read that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from connlab.cli.show.terminal import TIGHT, coloured, console, joined, new_table, strong, styled
from connlab.kernel import policy

NEXT = (
    ("make attempt CLIENT={client} COUNT=20", "dial 20 times from one client, past the limit"),
    ("make scale-clients N=20", "more clients, same server"),
    ("make logs F=1", "what the hosts write, refused SYNs included"),
)


OTHERS = 10  # rows of sources that are no client; of more the sums are shown


def hosts(status: Mapping[str, Any]) -> None:
    """Print the table that `up`, `scale` and `status` end with: a line for each host, and for each other source."""
    out, server = console(), status["server"]
    heading = f": policy {server['policy']}, port {server['port']}, mode {server['mode']}"
    out.print(joined("\n", strong(status["project"]), heading))
    table = new_table("host", "address", "state", ">held", ">counted", ">accepted", ">refused")
    table.padding = TIGHT
    for column in table.columns:
        column.no_wrap = column.header != "state"
    if server["listener"] is None:
        server = {**server, "state": "does not answer"}
    elif server["listener"]["state"] != "listening":
        server = {**server, "state": "not listening"}
    for host in (server, *_with_blocks(status["clients"]), *_others(status["others"])):
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
    if server["accepted"] == 0 and not server["held"] and server["refused"]:
        yield (
            f"accepted: nobody has got in, while the rules refused {server['refused']}; if that is not what they are"
            " for, `lab try FILE` says whom a file of rules lets in"
        )
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


def _with_blocks(clients: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield each client, and a line of sums of its block: of the sources that the server knows of."""
    for client in clients:
        yield client
        if block := client.get("block"):
            yield {**block, "name": "", "state": f"{len(block['sources'])} of {block['size']} known"}


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


def _number(row: Mapping[str, Any], what: str, style: str = "") -> Text:
    """Format a number of a row: `-` if nobody knows it, with ≥ if it may be more."""
    if (number := row.get(what)) is None:
        return styled("-", "dim")
    return styled(f"≥{number}" if row.get(f"{what}_at_least") else number, style if number else "")
