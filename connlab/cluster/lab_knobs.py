"""The knobs of a lab that exists: its own, unless this call gives others, or .env was edited since it came up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connlab.base.errors import LabError
from connlab.base.knob_values import KNOBS, PROJECT, knob_problem, of_other_modes
from connlab.base.output import notice
from connlab.base.settings import Settings, checked
from connlab.cluster import hosts, lab_record
from connlab.cluster.host import Host

SERVICES = ("client", "server")  # the server's word on a knob of both counts


@dataclass(frozen=True)
class LabKnobs:
    """`knobs` are the lab's; `menu` is what .env said when it came up, None if nobody recorded it."""

    knobs: Mapping[str, str]
    menu: Mapping[str, str] | None


def read_lab_knobs(project: str, lab_hosts: Sequence[Host]) -> LabKnobs | None:
    """Read the knobs of a lab, from its hosts and from its record; None if there is no such lab.

    A record without a host and a network is left over: Compose's own `down` knows nothing of it.
    """
    if not lab_hosts and not hosts.networks(project):
        return None
    record = lab_record.read(project)
    knobs = dict(record.knobs) if record else {}
    for service in SERVICES:
        candidates = [host for host in lab_hosts if host.service == service]
        if candidates:
            knobs |= _environment(min(candidates, key=lambda host: not host.running))
    clients = sum(host.service == "client" for host in lab_hosts)
    if clients and "CLIENTS" not in knobs:
        knobs["CLIENTS"] = str(clients)
    return LabKnobs(knobs, record.menu if record else None)


def merge_settings(settings: Settings, own: LabKnobs) -> Settings:
    """Return what `settings` asks of this lab: given now > edited in .env since > the lab's own. Raises `Usage`."""
    own_knobs = {name: value for name, value in own.knobs.items() if not _overruled(name, settings, own)}
    values = {**settings.values, **own_knobs}
    left = of_other_modes(values["SERVER_MODE"]).keys() - settings.explicit
    values |= {name: settings.menu[name] for name in left}
    for name in sorted(own_knobs):
        if problem := knob_problem(name, values[name]):
            raise LabError(
                f"{name}={values[name]!r} of the running lab {problem}",
                next_step=f"make up {name}={settings.values[name]}",
            )
    return checked(values, settings.explicit, settings.menu)


def wanted_settings(settings: Settings) -> Settings:
    """Return what `up` would make of the lab that `settings` names, be it up or not. Raises `LabError`."""
    own = read_lab_knobs(settings.project, hosts.find(settings.project))
    return merge_settings(settings, own) if own else settings


def report_changes(own: LabKnobs, settings: Settings) -> None:
    """Say what changes, and which host it replaces, and what the lab keeps although .env says otherwise."""
    old = {name: value for name, value in own.knobs.items() if name in settings.values}
    for name in sorted(name for name in old if old[name] != settings.values[name]):
        notice(f"{name} {old[name] or 'empty'} -> {settings.values[name] or 'empty'}{_replaces(name)}")
    names = [name for name in sorted(old) if old[name] == settings.values[name] != settings.menu.get(name)]
    if names := [name for name in names if name not in settings.explicit]:
        own_words = ", ".join(f"{name}={settings.values[name]}" for name in names)
        file_words = ", ".join(f"{name}={settings.menu.get(name, '')}" for name in names)
        options = file_words.replace(",", "")
        notice(f"keeping {own_words} of this lab; .env has {file_words}, and make up {options} changes it")


def running_settings(settings: Settings) -> Settings:
    """Read the settings of the lab that `settings` names, for verbs that change none. Raises `LabError` without one.

    A knob that this call gives and the lab does not have is said to be of no use.
    """
    own = read_lab_knobs(settings.project, hosts.find(settings.project))
    if own is None:
        raise LabError(f"the lab {settings.project} is not up", next_step="make up")
    for name in sorted(settings.explicit & own.knobs.keys() - {"CLIENTS"}):
        if (value := settings.values[name]) != own.knobs[name]:
            notice(
                f"{name}={value} is not this lab's, which has {own.knobs[name]}; make up {name}={value} changes it"
            )
    return Settings({**settings.values, **own.knobs}, settings.explicit, settings.menu)


def recorded_knobs(settings: Settings) -> dict[str, str]:
    """Return what is recorded of these settings: every knob but the lab's name."""
    return {name: value for name, value in settings.values.items() if name in KNOBS - {PROJECT}}


def _overruled(name: str, settings: Settings, own: LabKnobs) -> bool:
    edited = own.menu is not None and name in settings.menu and settings.menu[name] != own.menu.get(name)
    return name in settings.explicit or edited


def _environment(host: Host) -> dict[str, str]:
    pairs = (line.partition("=") for line in host.inspect()["Config"]["Env"] or [])
    return {name: value for name, _, value in pairs if name in KNOBS}


def _replaces(name: str) -> str:
    """Whose container a changed knob replaces."""
    if name == "CLIENTS":
        return ""
    whose = {"PORT": "every host is", "LOG_FORMAT": "every host is", "BASE_IMAGE": "every host is"}
    whose |= {"SOURCES_PER_CLIENT": "every host is"}
    whose |= dict.fromkeys(("WORKLOAD", "DIALS", "PERIOD", "CLIENT_SYSCTL"), "the clients are")
    return f": {whose.get(name, 'the server is')} replaced"
