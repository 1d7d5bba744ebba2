"""Verbs that act on a client host: they dial, and say what became of it."""

from __future__ import annotations

import dataclasses
import sys

import click

from connlab.base.errors import interrupted
from connlab.cli.verbs.options import WholeNumber, client_option, json_option, print_json, running_lab


@click.command()
@client_option
@click.option("--count", "-n", default=20, type=WholeNumber(1, 20_000), help="How many times to dial.")
@click.option("--hold", default=0, type=WholeNumber(0, 86_400), help="Keep connections open N seconds.")
@click.option(
    "--source", help="Dial from a source of the client's block: its number or address (SOURCES_PER_CLIENT)."
)
@json_option
def attempt(client: int, count: int, hold: int, source: str | None, as_json: bool) -> None:
    """Dial from one client, and show what becomes of each dial. They are 12 ms apart."""
    from connlab.actions import attempt as attempts
    from connlab.cli.show import dialling as show
    from connlab.cli.show import running

    rows: list[dict[str, object]] = []
    terminal = attempts.Reporter(hold=show.hold)
    if as_json:
        reporter = dataclasses.replace(terminal, dial=lambda dial: rows.append(dataclasses.asdict(dial)))
    else:
        table = show.Rows(count)
        reporter = dataclasses.replace(terminal, dial=table.add, sums=table.sums)
    result = attempts.attempt(running_lab(), client, count, hold, reporter, source_text=source)
    refusal = result.pop("error") or (interrupted() if result["interrupted"] else None)
    if refusal:
        refusal.answer = {**result, "attempts": rows}
    elif as_json:
        print_json({**result, "error": None, "attempts": rows})
    if not as_json:
        show.released(result)
        running.policy_notices(result["policy"])
    if refusal:
        raise refusal
    if result["policy"]["state"] in ("drift", "unknown"):
        sys.exit(1)


@click.command()
@click.argument("host", default="server")
@click.argument("port", required=False)
@client_option
@click.option("--timeout", default=2, type=WholeNumber(1, 600), help="Wait N seconds for an answer.")
@json_option
def connect(host: str, port: str | None, client: int, timeout: int, as_json: bool) -> None:
    """Connect to HOST and PORT, and say what happened. HOST:PORT works too."""
    from connlab.actions import connect as calling
    from connlab.cli.show.terminal import console

    calling.target(host, "1" if port is None else port)  # refused before the lab is asked for its own port
    settings = running_lab()
    name, own_port = calling.target(host, str(settings.port) if port is None else port)
    result = calling.connect(settings, client, name, own_port, timeout)
    print_json(result) if as_json else console().sentence(calling.sentence(result))
    if result["outcome"] != "established":
        sys.exit(1)


@click.command()
@client_option
@json_option
def sockets(client: int, as_json: bool) -> None:
    """Try every socket family and type, and messages through them."""
    from connlab.actions import socket_kinds as kinds
    from connlab.cli.show import dialling as show

    result = kinds.try_socket_kinds(running_lab(), client)
    print_json(result) if as_json else show.sockets(result)


@click.command()
@client_option
def talk(client: int) -> None:
    """Talk to the server, as the article's client does. Each line is sent, the echo shown; Ctrl-D ends."""
    from connlab.actions import talk as conversation

    sys.exit(conversation.talk(running_lab(), client))
