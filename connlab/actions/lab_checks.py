"""What `doctor` checks of the lab: that policy and profiles can be put in force, and that a running one has its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connlab.actions.check_row import Row, failure, make_row
from connlab.base.errors import START_ANEW, LabError
from connlab.base.settings import Settings
from connlab.cluster import block_routes, dense, hosts, images, own_policy, preflight, profiles
from connlab.cluster.host import Host
from connlab.kernel import policy, snapshot

RUNNING, HOSTS, KNOBS = "running lab", "hosts", "knobs"
OF_THE_LAB = frozenset({RUNNING, HOSTS, KNOBS})  # faults of a lab, not of the machine
PROFILES = "sysctl/"  # how the trial begins what it says of a profile


def check_policy(settings: Settings, prepare: Callable[[Settings], None]) -> Row:
    """Do what `up` does: load the rules in a container of the server image and read them back; `prepare` one's own."""
    try:
        profiles.by_file(settings.values)
    except LabError:
        return make_row(
            "policy", "WARN", "not tried, because a profile of kernel settings cannot be read", "see sysctls"
        )
    prepare(settings)
    images.ensure(settings)
    problems = preflight.problems(settings, again=True)
    if any(line.startswith(PROFILES) for line in problems):
        return make_row(
            "policy", "WARN", "not tried, because the kernel settings cannot be set", "see sysctls"
        )
    if problems:
        fix = "the host's kernel needs xt_connlimit, nfnetlink_log and nf_tables: modprobe them, or mend the file"
        return make_row("policy", "FAIL", "\n".join(problems), fix)
    name = settings.values["FIREWALL"]
    rules = name if "/" in name else f"firewall/{name}.rules"
    return make_row(
        "policy", "PASS", f"{rules} loads on this kernel, NFLOG included, and reads back the same"
    )


def check_hosts(settings: Settings) -> Row:
    """Check that the hosts of a lab that is up all run; without its server it is none."""
    lab_hosts = hosts.find(settings.project)
    if not lab_hosts:
        return make_row(HOSTS, "PASS", f"{settings.project} is not up, so there are none")
    try:
        server = hosts.server(settings.project, lab_hosts)
        lacks = _lacks(settings.project, server, lab_hosts)
    except LabError as error:
        return failure(HOSTS, error)
    troubles = [f"{host.name} is {host.trouble}" for host in lab_hosts if host.trouble]
    if troubles := troubles + [f"{host.name}: {lacks[host.id]}" for host in lab_hosts if host.id in lacks]:
        return make_row(HOSTS, "WARN", "; ".join(troubles), "make up, which brings them back")
    return make_row(HOSTS, "PASS", f"the {len(lab_hosts)} hosts of {settings.project} run")


def _lacks(project: str, server: Host, lab_hosts: Sequence[Host]) -> dict[str, str]:
    """Say by id which running clients of a dense lab cannot dial from their blocks."""
    clients = [host for host in lab_hosts if host.service == "client" and host.running and not host.trouble]
    found = dense.of_lab(project)
    return block_routes.lacks(found, server, clients) if found else {}


def check_running(settings: Settings) -> Row:
    """Compare the running lab's policy with what its kernel has."""
    servers = [host for host in hosts.find(settings.project, "server") if host.running]
    if not servers:
        return make_row(
            RUNNING, "PASS", f"no server of {settings.project} runs, so there is no policy to compare"
        )
    try:
        policy_report = policy.policy_state(snapshot.read_ruleset(servers[0].run))
    except LabError as error:
        return failure(RUNNING, error)
    if policy_report["state"] in ("drift", "unknown"):
        fix = policy.NEXT if policy_report["state"] == "drift" else START_ANEW
        notices = [line for line in policy.notices(policy_report) if not line.startswith("  next: ")]
        return make_row(RUNNING, "FAIL", "\n".join(notices), fix)
    state = policy_report["state"].replace("_", " ")
    detail = "; ".join(
        [
            f"{policy_report['file']}, {state}: {policy.describe_limit(policy_report)}",
            *policy.notices(policy_report),
        ]
    )
    return make_row(RUNNING, "WARN" if policy.notices(policy_report) else "PASS", detail)


def check_sysctls(settings: Settings) -> Row:
    """Check that both profiles can be set in a container; the trial is the policy's too."""
    keys = profiles.by_file(settings.values)
    if own_policy.is_own(settings) and own_policy.kept(settings) is None:
        return make_row("sysctls", "WARN", "not tried, because the policy does not load", "see policy")
    if problems := [line for line in preflight.problems(settings) if line.startswith(PROFILES)]:
        return make_row(
            "sysctls", "FAIL", "\n".join(problems), "remove the keys that are named, or use stock"
        )
    verdicts = (
        f"{path} can be set in a container: {', '.join(values) or 'no key'}" for path, values in keys.items()
    )
    return make_row("sysctls", "PASS", "; ".join(verdicts))
