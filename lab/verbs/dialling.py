"""Verbs that act on a client host: they dial, and say what became of it."""

from __future__ import annotations

import sys

import click

from lab import words
from lab.verbs.options import client_number, client_option, json_option, print_json, running_lab, whole


@click.command()
@client_option
@click.option("--count", "-n", default="20", help="How many times to dial.")
@click.option("--hold", default="0", help="Seconds to keep the connections open.")
@json_option
def attempt(number: str, count: str, hold: str, as_json: bool) -> None:
    """Dial from one client, one dial after another, and show what became of each."""
    from lab import experiment
    from lab.show import dialling as show

    asked = client_number(number), whole("count", count, 1, 20000), whole("hold", hold, 0, 86400)
    result = experiment.attempt(running_lab(), *asked)
    if as_json:
        print_json(result)
    else:
        show.attempts(result["attempts"], result["outcomes"], result["rule_packets"])


@click.command()
@click.argument("host", default="server")
@click.argument("port", required=False)
@client_option
@click.option("--timeout", default="2", help="Seconds to wait for an answer.")
@json_option
def connect(host: str, port: str | None, number: str, timeout: str, as_json: bool) -> None:
    """Resolve HOST, connect to its PORT, say what happened; HOST:PORT works too."""
    from lab import connect as calling

    client, seconds = client_number(number), whole("timeout", timeout, 1, 600)
    calling.target(host, "1" if port is None else port)  # refused before the lab is asked for its own port
    chosen = running_lab()
    name, own_port = calling.target(host, str(chosen.port) if port is None else port)
    result = calling.connect(chosen, client, name, own_port, seconds)
    print_json(result) if as_json else words.show(calling.sentence(result))
    if result["outcome"] != "established":
        sys.exit(1)


@click.command()
@client_option
@json_option
def sockets(number: str, as_json: bool) -> None:
    """Which socket families and types this kernel gives, and messages through them."""
    from lab import sockets as kinds
    from lab.show import dialling as show

    client = client_number(number)
    result = kinds.sockets(running_lab(), client)
    print_json(result) if as_json else show.sockets(result)


@click.command()
@client_option
def talk(number: str) -> None:
    """The article's client at your keyboard: each line is sent, the echo shown; Ctrl-D ends."""
    from lab import talk as conversation

    client = client_number(number)
    sys.exit(conversation.talk(running_lab(), client))
