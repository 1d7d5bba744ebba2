"""The knobs of a lab that exists: its own, unless this call gives others, or .env was edited since it came up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connlab.base.errors import LabError
from connlab.base.output import tell
from connlab.base.settings import CHECKS, KNOBS, PROJECT, Settings, checked
from connlab.cluster import hosts, lab_record
from connlab.cluster.hosts import Host

SERVICES = ("client", "server")  # the server's word on a knob of both counts


@dataclass(frozen=True)
class LabKnobs:
    """`knobs` are the lab's; `menu` is what .env said when it came up, None if nobody recorded it."""

    knobs: Mapping[str, str]
    menu: Mapping[str, str] | None


def read_lab_knobs(project: str, found: Sequence[Host]) -> LabKnobs | None:
    """The knobs of a lab, from its hosts and from its record; None if there is no such lab.

    A record without a host and a network is left over: Compose's own `down` knows nothing of it.
    """
    if not found and not hosts.networks(project):
        return None
    kept = lab_record.read(project)
    knobs = dict(kept.knobs) if kept else {}
    for service in SERVICES:
        there = sorted((host for host in found if host.service == service), key=lambda host: not host.running)
        if there:
            knobs |= _environment(there[0])
    clients = sum(host.service == "client" for host in found)
    if clients and "CLIENTS" not in knobs:
        knobs["CLIENTS"] = str(clients)
    return LabKnobs(knobs, kept.menu if kept else None)


def merge_settings(chosen: Settings, own: LabKnobs) -> Settings:
    """What `chosen` asks of this lab: given now > edited in .env since > the lab's own. Raises `Usage`."""
    kept = {name: value for name, value in own.knobs.items() if not _overruled(name, chosen, own)}
    values = {**chosen.values, **kept}
    if "pool" not in values["SERVER_MODE"] and "POOL_SIZE" not in chosen.given:
        values["POOL_SIZE"] = chosen.menu["POOL_SIZE"]  # what is left of another mode
    for name in sorted(kept):
        check = CHECKS.get(name)
        if problem := check(values[name]) if check else "":
            raise LabError(
                f"{name}={values[name]!r} of the running lab {problem}",
                next_step=f"make up {name}={chosen.values[name]}",
            )
    return checked(values, chosen.given, chosen.menu)


def report_changes(own: LabKnobs, wanted: Settings) -> None:
    """Say what changes, and which host it replaces, and what the lab keeps although .env says otherwise."""
    old = {name: value for name, value in own.knobs.items() if name in wanted.values}
    for name in sorted(name for name in old if old[name] != wanted.values[name]):
        tell(f"{name} {old[name] or 'empty'} -> {wanted.values[name] or 'empty'}{_replaces(name)}")
    kept = [name for name in sorted(old) if old[name] == wanted.values[name] != wanted.menu.get(name)]
    if kept := [name for name in kept if name not in wanted.given]:
        mine = ", ".join(f"{name}={wanted.values[name]}" for name in kept)
        file = ", ".join(f"{name}={wanted.menu.get(name, '')}" for name in kept)
        tell(f"keeping {mine} of this lab; .env has {file}, and make up {file.replace(',', '')} changes it")


def running_settings(chosen: Settings) -> Settings:
    """The settings of the lab that `chosen` names, for verbs that change none. Raises `LabError` if there is none.

    A knob that this call gives and the lab does not have is said to be of no use.
    """
    own = read_lab_knobs(chosen.project, hosts.find(chosen.project))
    if own is None:
        raise LabError(f"the lab {chosen.project} is not up", next_step="make up")
    for name in sorted(chosen.given & own.knobs.keys() - {"CLIENTS"}):
        if (given := chosen.values[name]) != own.knobs[name]:
            tell(
                f"{name}={given} is not this lab's, which has {own.knobs[name]}; make up {name}={given} changes it"
            )
    return Settings({**chosen.values, **own.knobs}, chosen.given, chosen.menu)


def recorded_knobs(settings: Settings) -> dict[str, str]:
    """What is recorded of these settings: every knob but the lab's name."""
    return {name: value for name, value in settings.values.items() if name in KNOBS - {PROJECT}}


def _overruled(name: str, chosen: Settings, own: LabKnobs) -> bool:
    edited = own.menu is not None and name in chosen.menu and chosen.menu[name] != own.menu.get(name)
    return name in chosen.given or edited


def _environment(host: Host) -> dict[str, str]:
    pairs = (line.partition("=") for line in host.inspect()["Config"]["Env"] or [])
    return {name: value for name, _, value in pairs if name in KNOBS}


def _replaces(name: str) -> str:
    """Whose container a changed knob replaces."""
    if name == "CLIENTS":
        return ""
    whose = {"PORT": "every host is", "LOG_FORMAT": "every host is", "BASE_IMAGE": "every host is"}
    whose |= dict.fromkeys(("WORKLOAD", "DIALS", "PERIOD", "CLIENT_SYSCTL"), "the clients are")
    return f": {whose.get(name, 'the server is')} replaced"
