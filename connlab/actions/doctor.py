"""Can this machine run the lab? Each check says PASS, WARN or FAIL, what it saw, and the fix."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence

from connlab.base.errors import START_ANEW, LabError, NotFit
from connlab.base.settings import Settings
from connlab.cluster import capacity, compose, engine, hosts, images, preflight, profiles
from connlab.kernel import policy, snapshot
from connlab.kernel.bug_windows import window

Row = dict[str, str]
RUNNING, HOSTS = "running lab", "hosts"
PROFILES = "sysctl/"  # how the trial begins what it says of a profile


def examine(settings: Settings) -> list[Row]:
    """Every check, in the order in which one depends on the other; without an engine, only that one."""
    try:
        engine.client()
    except NotFit as error:
        return [_failed("docker", error)]
    checks: tuple[Callable[[Settings], Row], ...] = (
        _engine, _compose, _tools, _kernel, _policy, _hosts, running, _sysctls, _memory, _leftovers,
    )  # fmt: skip
    return [_guarded(check, settings) for check in checks]


def _guarded(check: Callable[[Settings], Row], settings: Settings) -> Row:
    """Run a check and return its row; a check that fails by an exception is a row too, so that the others are run."""
    try:
        return check(settings)
    except LabError as error:
        return _failed(check.__name__.strip("_"), error)
    except engine.ERRORS as error:
        return _row(check.__name__.strip("_"), "FAIL", engine.why(error), "make status")


def require_fit() -> None:
    """Run the fast checks for `up`. Raises `NotFit` for what would fail later with a worse message."""
    new = engine.at_least(engine.version(), engine.WITHOUT_COMPOSE_1)
    if new and compose.command() == ("docker-compose",):
        row = _compose_row()
        if row["result"] == "FAIL":
            raise NotFit(row["detail"], next_step=row["fix"])


def _engine(_: Settings) -> Row:
    info = engine.client().version()
    versions = f"engine {info['Version']}, API {info['ApiVersion']}"
    if engine.at_least(info["Version"], engine.PARTS_AT_ONCE):
        return _row("docker", "PASS", versions)
    fault = "it can stand still for ever when hosts leave a network at one moment; the lab lets them leave in turn"
    return _row("docker", "WARN", f"{versions}: {fault} (moby/moby#46661)", "engine 20.10.27 or newer")


def _compose(_: Settings) -> Row:
    try:
        return _compose_row()
    except NotFit as error:
        return _failed("compose", error)


def _compose_row() -> Row:
    version = compose.version()
    versions = f"Compose {version or 'of unknown version'} with engine {engine.version()}"
    new = engine.at_least(engine.version(), engine.WITHOUT_COMPOSE_1)
    if version.startswith("1.") and new:
        return _row("compose", "FAIL", f"{versions}: Compose 1 cannot recreate containers there (docker/compose#11742)",
                    "install the Compose plugin: docker-compose-plugin")  # fmt: skip
    if re.match(r"5\.[0-4]\.", version) and not new:
        return _row(
            "compose", "WARN", f"{versions}: this Compose may ask for a newer API", "Compose 5.5 or newer"
        )
    return _row("compose", "PASS", versions)


def _tools(_: Settings) -> Row:
    if shutil.which("docker"):
        return _row("docker command", "PASS", "builds the images")
    return _row("docker command", "FAIL", "not found; the images are built with it", "install docker-cli")


def _kernel(_: Settings) -> Row:
    release = engine.client().version()["KernelVersion"]
    if bug := window(release):
        return _row(
            "kernel",
            "WARN",
            f"{release}: {bug}",
            "a newer kernel of the same series (docs/kernel.md, Epochs)",
        )
    return _row("kernel", "PASS", f"{release} is in no known connlimit bug window")


def _policy(settings: Settings) -> Row:
    """Do what `up` does: load the rules in a container of the server image and read them back."""
    try:
        profiles.by_file(settings.values)
    except LabError:
        return _row(
            "policy", "WARN", "not tried, because a profile of kernel settings cannot be read", "see sysctls"
        )
    images.ensure(settings)
    problems = preflight.problems(settings, again=True)
    if any(line.startswith(PROFILES) for line in problems):
        return _row("policy", "WARN", "not tried, because the kernel settings cannot be set", "see sysctls")
    if problems:
        fix = "the host's kernel needs xt_connlimit, nfnetlink_log and nf_tables: modprobe them, or mend the file"
        return _row("policy", "FAIL", "\n".join(problems), fix)
    rules = f"firewall/{settings.values['FIREWALL']}.rules"
    return _row("policy", "PASS", f"{rules} loads on this kernel, NFLOG included, and reads back the same")


def _hosts(settings: Settings) -> Row:
    """Whether the hosts of a lab that is up all run; without its server it is none."""
    lab_hosts = hosts.find(settings.project)
    if not lab_hosts:
        return _row(HOSTS, "PASS", f"{settings.project} is not up, so there are none")
    try:
        hosts.server(settings.project, lab_hosts)
    except LabError as error:
        return _failed(HOSTS, error)
    if troubles := [f"{host.name} is {host.trouble}" for host in lab_hosts if host.trouble]:
        return _row(HOSTS, "WARN", "; ".join(troubles), "make up, which brings them back")
    return _row(HOSTS, "PASS", f"the {len(lab_hosts)} hosts of {settings.project} run")


def running(settings: Settings) -> Row:
    """Compare the running lab's policy with what its kernel has."""
    servers = [host for host in hosts.find(settings.project, "server") if host.running]
    if not servers:
        return _row(
            RUNNING, "PASS", f"no server of {settings.project} runs, so there is no policy to compare"
        )
    try:
        policy_report = policy.policy_state(snapshot.read_ruleset(servers[0].run))
    except LabError as error:
        return _failed(RUNNING, error)
    if policy_report["state"] in ("drift", "unknown"):
        fix = policy.NEXT if policy_report["state"] == "drift" else START_ANEW
        notices = [line for line in policy.notices(policy_report) if not line.startswith("  next: ")]
        return _row(RUNNING, "FAIL", "\n".join(notices), fix)
    state = policy_report["state"].replace("_", " ")
    detail = "; ".join(
        [
            f"{policy_report['file']}, {state}: {policy.describe_limit(policy_report)}",
            *policy.notices(policy_report),
        ]
    )
    return _row(RUNNING, "WARN" if policy.notices(policy_report) else "PASS", detail)


def exit_code(rows: Sequence[Row]) -> int:
    """Return the exit code of these rows: 3 for an unfit machine, 1 for a running lab that has a fault, else 0."""
    failures = {row["name"] for row in rows if row["result"] == "FAIL"}
    return 3 if failures - {RUNNING, HOSTS} else min(1, len(failures))


def _sysctls(settings: Settings) -> Row:
    """Whether both profiles can be set in a container; the trial is the policy's too."""
    keys = profiles.by_file(settings.values)
    if problems := [line for line in preflight.problems(settings) if line.startswith(PROFILES)]:
        return _row("sysctls", "FAIL", "\n".join(problems), "remove the keys that are named, or use stock")
    verdicts = (
        f"{path} can be set in a container: {', '.join(values) or 'no key'}" for path, values in keys.items()
    )
    return _row("sysctls", "PASS", "; ".join(verdicts))


def _memory(settings: Settings) -> Row:
    try:
        capacity.check(settings, settings.clients)
    except LabError as error:
        return _row("capacity", "FAIL", error.sentence, "fewer CLIENTS")
    return _row(
        "capacity",
        "PASS",
        f"enough for {settings.clients} clients, and at most {capacity.BRIDGE} on one bridge",
    )


def _leftovers(settings: Settings) -> Row:
    if projects := sorted(hosts.projects(f"{settings.project}-test-")):
        return _row(
            "leftovers",
            "WARN",
            f"of an interrupted test run: {', '.join(projects)}",
            "make test removes them",
        )
    return _row("leftovers", "PASS", "no test run left anything")


def _failed(name: str, error: LabError) -> Row:
    """Make a row of a refusal; its next step is the fix."""
    return _row(name, "FAIL", error.sentence, error.next_step)


def _row(name: str, result: str, detail: str, fix: str = "") -> Row:
    return {"name": name, "result": result, "detail": detail, "fix": fix}
