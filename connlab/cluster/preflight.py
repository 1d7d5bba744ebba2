"""What a host would not start with, found out in throw-away hosts before anything of a lab is touched."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from connlab.base.errors import LabError
from connlab.base.knob_values import KNOBS, PROJECT
from connlab.base.settings import Settings
from connlab.cluster import engine, exit_reason, host_files, images, one_off, preflight_cache, profiles
from connlab.cluster.host import CommandFailed, Host
from connlab.cluster.readiness import reason

CAPABILITIES = ["NET_ADMIN", "SETUID", "SETGID", "SETPCAP"]
OF_THE_NAMESPACE = "net."  # all other keys are the engine's to set, or to refuse
BIND = "import socket, sys; socket.socket().bind((sys.argv[1], 0))"
ANYWHERE = ("", "0.0.0.0", "localhost")
# No server is different for these, so what was tried need not be tried again.
NOT_THE_SERVERS = {PROJECT, "CLIENTS", "WORKLOAD", "DIALS", "PERIOD", "BASE_IMAGE"}


def check(settings: Settings, lab_hosts: Sequence[Host]) -> None:
    """Refuse what would stop a host of this lab, whose hosts now are `lab_hosts`. Raises `LabError` with all of it.

    Hosts that are already as `settings` says are the best trial there is.
    """
    if not _is_so(settings, lab_hosts):
        _try_address(settings, lab_hosts)
        if faults := problems(settings):
            raise _refusal(bool(lab_hosts), faults, "mend what is named, or choose another")


def problems(settings: Settings, *, again: bool = False) -> list[str]:
    """List what would stop a host: one throw-away host tries both profiles, the policy, and the server's mode.

    What was good before, with the same contents on this engine and kernel, is tried only if it shall be `again`. A key
    that cannot be set is told with its file, `sysctl/NAME.yaml: ...`; nothing else is tried then.
    """
    keys = profiles.by_file(settings.values)
    net_keys = {
        path: {k: v for k, v in values.items() if k.startswith(OF_THE_NAMESPACE)}
        for path, values in keys.items()
    }
    engine_keys = {
        k: v for values in keys.values() for k, v in values.items() if not k.startswith(OF_THE_NAMESPACE)
    }
    knobs = {name: settings.values[name] for name in sorted(KNOBS - NOT_THE_SERVERS)}
    environment = {**knobs, **host_files.environment(settings, "server")}
    image = images.name(settings, "server")
    inputs = json.dumps([engine.identity(), image, environment, keys], sort_keys=True)
    if not again and preflight_cache.good(inputs):
        return []
    status, output = one_off.run_once(
        image, ["-S", "-E", "-m", "server.preflight", json.dumps(net_keys)], entrypoint="python3", user="0",
        writable_net=True, environment=environment, cap_add=CAPABILITIES, sysctls=engine_keys,
    )  # fmt: skip
    if status:
        files = {path: [k for k in values if k in engine_keys] for path, values in keys.items()}
        engine_files = "; ".join(f"{path}: {', '.join(names)}" for path, names in files.items() if names)
        return _problems(output, exit_reason.describe_exit_status(status), engine_files)
    preflight_cache.keep(inputs)
    return []


def _try_address(settings: Settings, lab_hosts: Sequence[Host]) -> None:
    """Whether LISTEN is an address of the server, as names are resolved where it runs; unknown if it does not run."""
    listen = settings.values["LISTEN"]
    server = next((host for host in lab_hosts if host.service == "server" and host.running), None)
    if server is None or listen in ANYWHERE or listen.startswith("127."):
        return
    try:
        server.run(["python3", "-S", "-E", "-c", BIND, listen])
    except CommandFailed as error:
        why = str(error).strip().splitlines()[-1]
        problem = f"LISTEN={listen}: the server cannot bind it: {why}"
        fix = f"LISTEN= (every address), 127.0.0.1 (nobody else reaches it) or {server.address or 'server'}"
        raise _refusal(True, [problem], fix) from error


def _problems(output: str, exit_words: str, engine_files: str) -> list[str]:
    """List what the trial says is wrong; its policy's own words, or the engine's, if it did not get so far.

    `engine_files` are the kernel settings that the engine had to set, with their files.
    """
    try:
        faults = json.loads(output.strip().splitlines()[-1])["problems"]
        return [str(problem) for problem in faults]
    except (ValueError, LookupError, TypeError):
        return [": ".join(part for part in (engine_files, reason(output) or exit_words) if part)]


def _refusal(exists: bool, problems: Sequence[str], fix: str) -> LabError:
    headline = "the running lab was left as it is" if exists else "nothing was started"
    return LabError(headline, "".join(f"\n  {problem}" for problem in problems), next_step=fix)


def _is_so(settings: Settings, lab_hosts: Sequence[Host]) -> bool:
    """Whether the server and a client run, and were made with just these knobs, files and images."""
    for service in ("server", "client"):
        group = [host for host in lab_hosts if host.service == service and host.running]
        if not group and (service == "server" or settings.clients):
            return False
        for host in group[:1]:
            config = host.inspect()["Config"]
            pairs = dict(line.split("=", 1) for line in config["Env"])
            values: Mapping[str, str] = {**settings.values, **host_files.environment(settings, service)}
            if config["Image"] != images.name(settings, service):
                return False
            if any(pairs[name] != value for name, value in values.items() if name in pairs):
                return False
    return True
