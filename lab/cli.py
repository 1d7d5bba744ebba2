"""The `lab` command: parses, calls, prints, and turns every refusal into a sentence and an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from lab import settings as knobs
from lab.errors import LabError, Usage

json_option = click.option("--json", "as_json", is_flag=True, help="Print data instead of a table.")

client_option = click.option("--client", "-c", "number", default="1", help="Number of the client host.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="connlab")
def lab() -> None:
    """A laboratory for TCP connection limits: one server host, N client hosts, real kernels.

    Knobs are environment variables; .env lists them. Exit codes: 0 ok, 1 checked and failed, 2 usage,
    3 this machine is not fit, 4 gave up waiting, 130 interrupted.
    """


@lab.command()
@json_option
def up(as_json: bool) -> None:
    """Build, start and wait until every host is ready."""
    from lab import doctor, show, topology

    chosen = knobs.read()
    doctor.require_fit()
    _show_hosts(chosen, topology.up(chosen), as_json)
    if not as_json:
        show.whats_next()


@lab.command()
@click.argument("clients", metavar="N")
@json_option
def scale(clients: str, as_json: bool) -> None:
    """Exactly N client hosts; the server is not touched."""
    from lab import capacity, topology

    if problem := knobs.whole(0, capacity.BRIDGE)(clients):
        raise Usage(
            f"N={clients!r} {problem}: a Linux bridge has 1,023 ports\n  next: make scale-clients N=20"
        )
    chosen = knobs.read()
    _show_hosts(chosen, topology.scale(chosen, int(clients)), as_json)


@lab.command()
def down() -> None:
    """Remove every container and network of the lab."""
    from lab import topology

    topology.down(knobs.read())


@lab.command()
@json_option
def status(as_json: bool) -> None:
    """What the kernel and the server say, without taking a connection slot."""
    from lab import hosts, show

    chosen = knobs.read()
    found = _show_hosts(chosen, hosts.find(chosen.project), as_json)
    if not as_json:
        show.details(found)


@lab.command()
@click.option("--service", "-s", default="", help="Only this service: server or client.")
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C.")
def logs(service: str, follow: bool) -> None:
    """The story: every host's events, refused SYNs included."""
    from lab import compose

    if service not in ("", "server", "client"):
        raise Usage(f"no service {service!r}; there are: server, client")
    options = [*(["--follow"] if follow else []), *(["--no-color"] if not sys.stdout.isatty() else [])]
    compose.become(knobs.read(), ["logs", *options, *([service] if service else [])])


@lab.command()
@client_option
@click.option("--count", "-n", default="20", help="How many times to dial.")
@click.option("--hold", default="0", help="Seconds to keep the connections open.")
@json_option
def attempt(number: str, count: str, hold: str, as_json: bool) -> None:
    """Dial from one client, one dial after another, and show what became of each."""
    from lab import experiment, show

    asked = {"client": (number, 1, 1000), "count": (count, 1, 20000), "hold": (hold, 0, 86400)}
    for name, (value, low, high) in asked.items():
        if problem := knobs.whole(low, high)(value):
            raise Usage(f"{name}={value!r} {problem}")
    result = experiment.attempt(knobs.read(), int(number), int(count), int(hold))
    if as_json:
        _print_json(result)
    else:
        show.attempts(result["attempts"], result["outcomes"], result["rule_packets"])


@lab.command()
@click.argument("host", default="server")
@click.argument("port", default="")
@client_option
@click.option("--timeout", default="2", help="Seconds to wait for an answer.")
@json_option
def connect(host: str, port: str, number: str, timeout: str, as_json: bool) -> None:
    """Resolve HOST, connect to its PORT, say what happened; HOST:PORT works too."""
    from lab import connect as calling

    chosen = knobs.read()
    name, own_port = calling.target(host, port or str(chosen.port))
    if problem := knobs.whole(1, 600)(timeout):
        raise Usage(f"timeout={timeout!r} {problem}")
    result = calling.connect(chosen, _client_number(number), name, own_port, int(timeout))
    _print_json(result) if as_json else print(calling.sentence(result))
    if result["outcome"] != "established":
        sys.exit(1)


@lab.command()
@client_option
@json_option
def sockets(number: str, as_json: bool) -> None:
    """Which socket families and types this kernel gives, and messages through them."""
    from lab import show
    from lab import sockets as kinds

    result = kinds.sockets(knobs.read(), _client_number(number))
    _print_json(result) if as_json else show.sockets(result)


@lab.command()
@client_option
def talk(number: str) -> None:
    """The article's client at your keyboard: each line is sent, the echo shown; Ctrl-D ends."""
    from lab import talk as conversation

    sys.exit(conversation.talk(knobs.read(), _client_number(number)))


run_option = click.option("--run", "folder", default="runs/latest", help="Folder of the run to read.")
markdown_option = click.option("--markdown", is_flag=True, help="Print the table that a page carries.")


@lab.command()
@run_option
@markdown_option
@json_option
def claims(folder: str, markdown: bool, as_json: bool) -> None:
    """What is claimed, and what real hosts said of it in the last run."""
    from lab import show, verdicts

    rows = verdicts.read(folder)
    if as_json:
        _print_json({"schema": 1, "claims": [asdict(row) for row in rows]})
    elif markdown:
        print(verdicts.in_markdown(row for row in rows if not row.setting))
    else:
        show.claims(rows)


@lab.command()
@run_option
@markdown_option
@json_option
def effects(folder: str, markdown: bool, as_json: bool) -> None:
    """What each setting does to each side: expected, measured in the last run, verdict."""
    from lab import show, verdicts

    rows = [row for row in verdicts.read(folder) if row.setting]
    if as_json:
        _print_json({"schema": 1, "effects": [asdict(row) for row in rows]})
    elif markdown:
        print(verdicts.effects_in_markdown(rows))
    else:
        show.effects(rows)


@lab.command()
@click.argument("folder", metavar="RUN", default="runs/latest")
@json_option
def report(folder: str, as_json: bool) -> None:
    """Draw what a run left: a page for each family of experiments, in the run's folder."""
    from lab import runs, verdicts

    run = runs.find(folder)
    pages = runs.draw(run, [asdict(row) for row in verdicts.judged(run)])
    if as_json:
        found = [{"family": family, "path": str(path)} for family, path in pages.items()]
        _print_json({"schema": 1, "run": run.name, "pages": found})
    else:
        print(*pages.values(), sep="\n")


@lab.command()
@json_option
def doctor(as_json: bool) -> None:
    """Can this machine run the lab? Every line has its fix."""
    from lab import doctor as examination
    from lab import show

    rows = examination.examine(knobs.read())
    _print_json({"schema": 1, "checks": rows}) if as_json else show.checks(rows)
    if any(row["result"] == "FAIL" for row in rows):
        sys.exit(3)


@lab.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script: eval "$(lab completion bash)"."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None, "click knows every shell of the choice above"
    click.echo(found(lab, {}, "lab", "_LAB_COMPLETE").source())


def main() -> None:
    """The console script: one place where an error becomes words and an exit code."""
    sys.exit(guarded(lambda: lab(standalone_mode=False)))


def guarded(call: Callable[[], Any]) -> int:
    """Run `call`; a refusal is told on standard error and becomes its exit code."""
    try:
        call()
    except LabError as refusal:
        click.echo(f"lab: {refusal}", err=True)
        return refusal.status
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("lab: interrupted", err=True)
        return 130
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except click.exceptions.Exit as done:
        return done.exit_code
    except Exception as error:
        from lab import hosts

        if not isinstance(error, hosts.ENGINE_ERRORS):
            raise
        click.echo(f"lab: the Docker engine failed: {error}\n  next: make doctor", err=True)
        return 3
    return 0


def _client_number(text: str) -> int:
    if problem := knobs.whole(1, 1000)(text):
        raise Usage(f"client={text!r} {problem}")
    return int(text)


def _show_hosts(chosen: knobs.Settings, found: Any, as_json: bool) -> dict[str, Any]:
    from lab import show
    from lab import status as state

    now = state.of(chosen.project, found)
    if as_json:
        _print_json(now)
    else:
        show.hosts(now)
    return now


def _print_json(data: object) -> None:
    print(json.dumps(data, indent=2))
