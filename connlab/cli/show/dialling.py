"""What became of dials, and of messages through each kind of socket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from connlab.actions.holding import HoldSample
from connlab.base.model import Attempt
from connlab.base.output import notice
from connlab.cli.show.terminal import coloured, console, joined, new_table, strong, styled

SOCKET_NOTES = (
    "Type 5 is SOCK_SEQPACKET (Linux has no SOCK_CONN_DGRAM); 4, SOCK_RDM, is a name without a protocol in these"
    " families. The lab's own hosts have IPv6 off: those messages went between two spare hosts, by their link-local"
    " addresses."
)

# What a close found instead of the other side's FIN (docs/agent.md, `close`).
RELEASED = {"reset": "had been reset", "timeout": "got no FIN of the server"}


class Rows:
    """A table whose rows come one after another, so that each is printed when it is known."""

    def __init__(self, count: int) -> None:
        self._out = console()
        self._row = f" {{:>{len(str(count))}}}   {{}}   {{:<21}}   {{:>9}}   {{}}"
        self._started = False

    def add(self, dial: Attempt) -> None:
        """Print an attempt, after the heading if it is the first; its number is that of its start."""
        if not self._started:
            self._heading()
        source = "-" if dial.source is None else f"{dial.source}:{dial.source_port}"
        before, after = self._row.format(dial.number, "|", source, dial.us, dial.errno or "").split("|")
        self._out.print(joined(before, coloured(f"{dial.outcome:<13}"), after.rstrip()), soft_wrap=True)

    def sums(self, result: Mapping[str, Any]) -> None:
        """Print what came of all of them, and what the second witness says of it."""
        outcomes = result["outcomes"]
        sums = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "nothing was dialled"
        if (dials_ended := sum(outcomes.values())) < result["asked"]:
            sums += f" ({dials_ended} of {result['asked']} dials ended)"
        self._out.print()
        self._out.sentence(joined(strong(sums), f"; {result['witness']}"))
        self._out.sentence(result["judged"])

    def _heading(self) -> None:
        self._started = True
        words = self._row.format("#", f"{'outcome':<13}", "source", "µs", "errno")
        self._out.print(f"\n{words}\n {'─' * (len(words) + 6)}", soft_wrap=True)


def hold(now: HoldSample) -> None:
    """Say on standard error what is held: at first, each minute, more often in the last; at once what is lost."""
    left, seconds = now.connections - now.ended, now.seconds_left
    ended = f"the server ended {now.ended} of {now.connections} connection{'s' * (now.connections != 1)}"
    if not left:
        notice(f"{ended}: none is left after {now.seconds - seconds} s")
    elif not seconds:
        notice(ended) if now.newly else None
    elif now.newly or seconds in (now.seconds, *range(6)) or seconds % (10 if seconds <= 60 else 60) == 0:
        lost = f" ({ended})" if now.ended else ""
        notice(f"holding {left} connection{'s' * (left != 1)}{lost}, {seconds} s left; Ctrl-C ends it")


def released(result: Mapping[str, Any]) -> None:
    """Say on standard error which connections did not end with a FIN of both sides."""
    counts = {how: count for how, count in result["released"].items() if how != "fin"}
    if counts:
        words = ", ".join(f"{count} {RELEASED.get(how, how)}" for how, count in counts.items())
        notice(f"at the close {words}")


def sockets(result: Mapping[str, Any]) -> None:
    """Print the article's table, what each host's kernel gives for a family and a type, and messages through them.

    Two hosts with the same kernel have one column.
    """
    hosts: tuple[str, ...] = ("client", "server")
    if all(row["client"] == row["server"] for row in result["tried"]):
        kinds, hosts = new_table("family", "type", f"{result['client']} and {result['server']}"), ("client",)
    else:
        kinds = new_table("family", "type", *(result[host] for host in hosts))
    for row in result["tried"]:
        family, kind = f"{row['family']} ({row['family_number']})", f"{row['type']} ({row['type_number']})"
        kinds.add_row(family, kind, *(_made(row["type"], row[host]) for host in hosts))
    messages = new_table("family", "type", "a message there and back")
    for row in result["exchanged"]:
        messages.add_row(row["family"], row["type"], _passed(row))
    out = console()
    out.print(kinds)
    out.print(messages)
    out.sentence(f"Asked by {result['user']}, who has no capability; SOCK_RAW for ICMP. {SOCKET_NOTES}")


def _made(kind: str, answer: Mapping[str, Any]) -> Text:
    word = coloured(answer["state"])
    if answer["errno"]:
        return joined(word, f" ({answer['errno']})")
    return word if answer["made"] == kind else joined(word, f", as {answer['made']}")


def _passed(row: Mapping[str, Any]) -> str | Text:
    if not row["came_back"]:
        return joined(styled("no", "red"), f": {row['error'] or 'something else came back'}")
    return f"{row['from']} to {row['to']}, {row['us'] / 1000:.2f} ms"
