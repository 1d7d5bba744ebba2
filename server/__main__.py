"""PID 1 as root: put the policy in force, prove it, drop every privilege, become the server.

    sysctls as declared? -> subscribe to NFLOG -> load the rules -> read them back -> write them down
    -> setpriv -> listen

Each step can only stop the host, never let it listen without its policy (it fails closed).
`python3 -m server check` takes the same steps in a throw-away container and stops before listening, with the mode
imported. On a running server `rules` prints what is in the kernel, compared with what was loaded, and `reload` loads
the policy again.
"""

from __future__ import annotations

import json
import os
import sys

from connlab.machine import events, sysctls
from connlab.machine.events import emit
from server import (
    baseline,
    commands,
    firewall,
    nflog,
    policy_file,
    policy_report,
    reload,
    ruleset,
    settings,
    syn_rules,
)

UNPRIVILEGED = 10001  # uid and gid of `connlab` in the image


def main(arguments: list[str]) -> int:
    """Start the host; returns 1 if it is not what it should be, 2 for a bad setting; else it never returns."""
    events.configure("server", os.environ.get("LOG_FORMAT", "json"))
    try:
        knobs = settings.read()
    except settings.BadSetting as bad:
        return _refuse("policy_failed", 2, policy=None, error=str(bad))
    if arguments == ["check"]:
        return 0 if _apply(knobs) is not None and _usable(knobs.mode) else 1
    if arguments == ["rules"]:
        print(json.dumps(policy_report.report(knobs.port)))
        return 0
    if arguments == ["reload"]:
        return _reload(knobs)
    for sysctl in sysctls.read(knobs.sysctl):
        emit("sysctl", **sysctl)
        if what := sysctls.difference(sysctl, knobs.sysctl):
            return _refuse("policy_failed", 1, policy=knobs.firewall, error=what)
    reports = _apply(knobs)
    if reports is None:
        return 1
    try:
        baseline.store(baseline.new(knobs.firewall, ruleset.read(), refusals=0))
    except (ruleset.Unreadable, OSError) as failed:
        what = f"what was loaded cannot be written down: {failed}"
        return _refuse("policy_failed", 1, policy=knobs.firewall, error=what)
    return _become_the_server(reports)


def _apply(knobs: settings.Settings) -> int | None:
    """Put the policy in force; returns the descriptor of its reports (-1: it has none), None on failure."""
    try:
        text = firewall.render(knobs)
        group = firewall.nflog_group(text)
        reports = nflog.subscribe(group).detach() if group is not None else -1
        rules = firewall.statements(firewall.apply(knobs))
        kind = firewall.backend()
    except (firewall.PolicyError, ruleset.Unreadable, OSError) as failed:
        _refuse("policy_failed", 1, policy=knobs.firewall, error=str(failed))
        return None
    count = sum(rule.startswith("-A") for rule in rules)
    limit = policy_file.limit(text, knobs.port)
    if firewall.native_text(knobs):
        now = ruleset.read()
        count, limit = len(now.rules), syn_rules.limit(now.chains, now.rules, knobs.port)
    emit("policy_applied", policy=knobs.firewall, port=knobs.port, limit=limit, rules=count,
         backend=kind)  # fmt: skip
    return reports


def _reload(knobs: settings.Settings) -> int:
    """Load the policy again; returns 1, with the reason on standard error, if that failed."""
    try:
        print(json.dumps(reload.reload(knobs)))
    except (firewall.PolicyError, baseline.NoBaseline, ruleset.Unreadable, OSError) as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


def _usable(mode: str) -> bool:
    """Return whether the mode can be imported, tried without privileges as the server does it; else `mode_failed`."""
    argv = [*_unprivileged(), sys.executable, "-S", "-E", "-m", "server.mode_loader", mode]
    result = commands.run(argv)
    if result.status:
        emit("mode_failed", mode=mode, error=result.error.strip())
    return not result.status


def _become_the_server(reports: int) -> int:
    """Become the server by setpriv(1), not by `user:`, which Docker would apply before the rules could be loaded."""
    if reports >= 0:
        os.set_inheritable(reports, True)
    serve = [sys.executable, "-S", "-E", "-m", "server.serve", str(reports)]
    os.execvp("setpriv", [*_unprivileged(), *serve])


def _unprivileged() -> list[str]:
    """Return the command that gives everything up, then starts what follows."""
    ids = [f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups"]
    nothing = ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"]
    return ["setpriv", *ids, *nothing, "--"]


def _refuse(event: str, status: int, **fields: object) -> int:
    emit(event, **fields)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
