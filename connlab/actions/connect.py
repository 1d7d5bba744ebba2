"""The article's simplest client: resolve a name, connect to a port, say what happened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from connlab.actions import repeated_syns, witness
from connlab.actions.running_client import running_client
from connlab.agent.session import Agent
from connlab.base.errors import Usage
from connlab.base.knob_values import whole_number
from connlab.base.settings import Settings
from connlab.cluster import hosts, images
from connlab.cluster.host import Host


def target(host: str, port: str) -> tuple[str, int]:
    """Name and port of `HOST PORT` or of `HOST:PORT`, which wins. Raises `Usage`."""
    name, colon, with_it = host.partition(":")
    port = with_it if colon else port
    if ":" in port or not re.fullmatch(r"[\w.-]{1,253}", name, re.ASCII):
        raise Usage(f"host {host!r} is neither a name nor an IPv4 address (the lab's bridge is IPv4 only)")
    if problem := whole_number(1, 65_535)(port):
        raise Usage(f"port {port!r} {problem}")
    return name, int(port)


def connect(settings: Settings, number: int, host: str, port: int, timeout: int) -> dict[str, Any]:
    """Dial once from client `number`, `timeout` seconds long, and hang up.

    `resolved` false: there was no attempt, and `outcome` and what follows from it are null; `cause` says which of the
    lab's hosts is in trouble, if that is why, and `next` what to do. `rule_packets` is how far the counters of the
    server's refusing rules moved meanwhile, for all sources; `refused_by_policy` what the server reported of this one;
    null where there is no such witness, and `witness` says why. Times in µs.
    """
    lab_hosts = hosts.find(settings.project)
    dialler = running_client(lab_hosts, number)
    server = next((entry for entry in lab_hosts if entry.service == "server"), None)
    result: dict[str, Any] = {
        "schema": 1, "client": dialler.name, "host": host, "port": port, "timeout_us": timeout * 1_000_000,
        "resolved": False, "resolver": {}, "address": None, "family": None, "outcome": None, "errno": None,
        "source": None, "source_port": None, "us": None, "rule_packets": None, "refused_by_policy": None,
        "complete": None, "witness": None, "repeated_syns": None, "cause": None, "next": None,
    }  # fmt: skip
    with Agent(dialler) as agent, witness.repeated_command(server) as asked:
        resolution = agent.resolve(host)
        result["resolver"] = {"errno": resolution.errno, "reason": resolution.reason, "us": resolution.us}
        if resolution.address is None:
            result |= why_unresolved(host, dialler, lab_hosts)
        else:
            before, repeated_before = witness.sample_server(asked), repeated_syns.count(agent)
            (attempt,) = agent.open(
                host=resolution.address, port=port, timeout_ms=timeout * 1000, keep=False, gap_ms=0
            )
            result |= {"resolved": True, "address": resolution.address, "family": "IPv4"}
            result |= {"outcome": str(attempt.outcome), "errno": attempt.errno, "us": attempt.us}
            result |= {"source": attempt.source, "source_port": attempt.source_port}
            result |= {"repeated_syns": repeated_syns.since(agent, repeated_before)}
            after = witness.sample_server(asked)
            second_witness = witness.compare_samples(
                before,
                after,
                attempt.source or dialler.address,
                {attempt.outcome: 1},
                result["repeated_syns"],
            )
            result |= {"rule_packets": second_witness.rule_packets}
            result |= {"refused_by_policy": second_witness.refused}
            result |= {"complete": second_witness.complete, "witness": second_witness.words}
    return result


def sentence(result: dict[str, Any]) -> str:
    """Say in one line what happened."""
    if not result["resolved"]:
        resolver = result["resolver"]
        why = f"{resolver['reason']} ({resolver['errno']}, after {_ms(resolver['us'])})"
        cause = f": {result['cause']}" if result["cause"] else ""
        return (
            f"{result['host']} does not resolve: {why}; nothing was dialled{cause}\n  next: {result['next']}"
        )
    where = (
        result["host"] if result["host"] == result["address"] else f"{result['host']} ({result['address']})"
    )
    where += f" port {result['port']}"
    if result["outcome"] == "established":
        source = f"{result['source']}:{result['source_port']}"
        return f"connected to {where}, {result['family']}, from {source}, in {_ms(result['us'])}"
    if result["outcome"] == "refused":
        return f"{where} refused after {_ms(result['us'])}: {_who(result)}"
    if result["outcome"] == "timed_out":
        seconds = result["timeout_us"] / 1e6
        return (
            f"{where} is silent: no answer to the SYN within {seconds:g} s, as if it was dropped (not refused); "
            f"{result['witness']}"
        )
    why = f"{where}: {result['outcome']} ({result['errno']}) after {_ms(result['us'])}"
    return f"{why}; {result['witness']}"


def why_unresolved(name: str, dialler: Host, lab_hosts: Sequence[Host]) -> dict[str, str | None]:
    """Tell why a client finds nobody by a name: all of the lab's hosts that have it are in trouble, or the client is.

    `cause` is None where the listing shows no trouble; `make up` also mends a host that nobody finds by its name.
    """
    own = [host for host in lab_hosts if host.service == name]
    is_service = name in images.SERVICES
    if is_service and not own:
        cause = f"the lab has no {name}"
    else:
        blamed = own if own and all(host.trouble for host in own) else [dialler] if dialler.trouble else []
        cause = ", ".join(f"{host.name} is {host.trouble}" for host in blamed)
    if cause or is_service:
        return {"cause": cause or None, "next": "make up, which brings it back"}
    return {"cause": None, "next": "server or client: hosts of the lab have these names; make status"}


def _who(result: dict[str, Any]) -> str:
    """Who refused, by the second witness: to the client an RST of either is the same (docs/kernel.md O02, O03)."""
    if result["refused_by_policy"]:
        return f"by the policy; {result['witness']}"
    if result["rule_packets"] == 0:
        return f"not by the policy, so nobody listens there; {result['witness']}"
    if result["refused_by_policy"] == 0 and result["complete"]:
        return f"not by the policy, so nobody listens there; {result['witness']}"
    return f"by whom is not known; {result['witness']}"


def _ms(us: int) -> str:
    return f"{us / 1000:.1f} ms"
