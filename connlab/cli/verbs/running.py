"""Verbs on the lab as a whole: bring it up, change it, look at it, take it down."""

from __future__ import annotations

import sys
from typing import Any

import click

from connlab.base import knob_values
from connlab.base import settings as knobs
from connlab.base.errors import LabError, Usage
from connlab.cli.verbs.options import WholeNumber, json_option, print_json


@click.command()
@json_option
def up(as_json: bool) -> None:
    """Build, start and wait until every host is ready."""
    from connlab.actions import doctor
    from connlab.actions.kernel_row import kernel_row
    from connlab.base.output import notice
    from connlab.cli.show import running as show
    from connlab.cluster import engine, lifecycle
    from connlab.trial.files import own_policy

    settings = knobs.read()
    doctor.require_fit()
    lab_hosts = lifecycle.up(settings, own_policy.prepare)
    notice(kernel_row(engine.kernel_release()).words)
    _show_hosts(settings.project, lab_hosts, as_json)
    if not as_json:
        show.whats_next([host.number for host in lab_hosts if host.service == "client"])


@click.command()
@click.argument("clients", metavar="N")
@json_option
def scale(clients: str, as_json: bool) -> None:
    """Run exactly N client hosts; the server is not touched."""
    from connlab.cluster import capacity, lifecycle

    if problem := knob_values.whole_number(0, capacity.BRIDGE)(clients):
        raise Usage(
            f"N={clients!r} {problem}", "a Linux bridge has 1,023 ports", next_step="make scale-clients N=20"
        )
    settings = knobs.unchecked()
    _show_hosts(settings.project, lifecycle.scale(settings, int(clients)), as_json)


@click.command()
@json_option
def down(as_json: bool) -> None:
    """Remove every container and network of the lab."""
    from connlab.cluster import lifecycle

    project = knobs.unchecked().project
    lifecycle.down(project)
    if as_json:
        print_json({"schema": 1, "project": project})


@click.command()
@json_option
def clean(as_json: bool) -> None:
    """Remove the lab's images that nothing runs from."""
    from connlab.base.output import notice
    from connlab.cluster import images

    names, size = images.remove_unused()
    if as_json:
        print_json({"schema": 1, "images": names, "bytes": size})
    removal = f"removed {', '.join(names) or 'images without a name'}: {size / 1e6:,.0f} MB are free again"
    notice(removal if names or size else "no image of the lab's is unused")


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Show what the kernel and the server say. It takes no slot; exit code 1 if the policy is not in force."""
    from connlab.actions import status as state
    from connlab.cli.show import running as show
    from connlab.cli.show.details import details
    from connlab.cluster import hosts

    project = knobs.unchecked().project
    lab_hosts = hosts.find(project)
    if lab_hosts and not any(host.service == "server" and host.running for host in lab_hosts):
        report = state.status_without_server(project, lab_hosts)
        if not as_json:
            show.states(report)
        try:
            hosts.server(project, lab_hosts)  # raises, with what brings it back
        except LabError as refusal:
            refusal.answer = report
            raise
    report = _show_hosts(project, lab_hosts, as_json, clients_asked=True)
    if not as_json:
        details(report)
    if report["policy"]["state"] in ("drift", "unknown") or report["server"]["silent"]:
        sys.exit(1)


@click.command()
@click.option("--service", "-s", default=None, help="Only this service: server or client.")
@click.option(
    "--follow",
    "-f",
    is_flag=False,
    flag_value=1,
    default=0,
    type=WholeNumber(0, 1),
    help="Go on until Ctrl-C.",
)
@click.option("--json", "as_json", is_flag=True, help="Print an object a line.")
def logs(service: str | None, follow: int, as_json: bool) -> None:
    """Show every host's events by time, refused SYNs included."""
    from connlab.cli.show import logs as show
    from connlab.cluster import hosts
    from connlab.cluster import logs as host_logs

    if service not in (None, "server", "client"):
        raise Usage(f"no service {service!r}; there are: server, client")
    project = knobs.unchecked().project
    if not (lab_hosts := hosts.find(project, service)):
        raise LabError(f"the lab {project} has no {service or 'host'} to tell anything", next_step="make up")
    try:
        log = show.as_json if as_json else show.Log().show
        lines = host_logs.history(lab_hosts)
        for line in lines:
            log(line)
        for line in host_logs.follow(project, service, lines) if follow else ():
            log(line)
    except KeyboardInterrupt:  # the usual end of --follow: nothing to say
        sys.exit(130)


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Can this machine run the lab? Every line has its fix."""
    from connlab.actions import doctor as examination
    from connlab.cli.show import doctor as show
    from connlab.trial.files import own_policy

    rows = examination.examine(knobs.read(), own_policy.prepare)
    print_json({"schema": 1, "checks": rows}) if as_json else show.checks(rows)
    sys.exit(examination.exit_code(rows))


def _show_hosts(
    project: str, lab_hosts: Any, as_json: bool, *, clients_asked: bool = False
) -> dict[str, Any]:
    from connlab.actions import status as state
    from connlab.cli.show import running as show

    report = state.lab_status(project, lab_hosts, clients_asked=clients_asked)
    if as_json:
        print_json(report)
    else:
        show.hosts(report)
    return report
