"""Whose numbers are whose: what the server's kernel and process say by address, told by host.

Pure: of a snapshot of the server, and who has which address. A number that nobody knows is None, never 0, and one that
may be too small says so (`..._at_least`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connlab.kernel.snapshot import Snapshot

NO_NUMBERS: Mapping[str, Any] = {
    "held": None, "counted": None, "counted_at_least": False,
    "accepted": None, "accepted_at_least": False, "refused": None, "refused_at_least": False,
}  # fmt: skip


def refusals(snapshot: Snapshot) -> dict[str, Any]:
    """Return what is known of refusals by source: `refused_lost` were counted by the rules and told by no event.

    Null if the policy reports none, or the server does not answer, so that no source is known. `refused_behind`: the
    server had not yet read all reports, so what is missing may still be told. Counters that went back are no loss.
    """
    reports = snapshot.status["refusals"]
    if reports is None or not reports["reported"]:
        return {"refused_lost": None, "refused_behind": False}
    missing = 0 if reports["behind"] else snapshot.refused - snapshot.reported("refused")
    return {"refused_lost": max(reports["lost"], missing, 0), "refused_behind": reports["behind"]}


def server(snapshot: Snapshot) -> dict[str, Any]:
    """Return the server's numbers of all sources together."""
    port, reported = snapshot.status["port"], snapshot.reported("refused")
    return {
        "held": snapshot.held(port).total(), **counted(snapshot),
        "accepted": None if silent(snapshot) else snapshot.reported("accepted"),
        # The rules' counters begin anew with a reload or when they are zeroed; the process goes on counting.
        "refused": max(snapshot.refused, reported), "refused_at_least": reported > snapshot.refused,
        **refusals(snapshot), "silent": silent(snapshot),
    }  # fmt: skip


def counted(snapshot: Snapshot, address: str | None = None) -> dict[str, Any]:
    """How many connections the limit counts, of one address or of all.

    Those in a state that a connlimit counts (C03), without those that are older than its count; a number that may be
    too small where it is not known which are. None if no rule counts connections, or the rules are not known.
    """
    in_state, uncounted = snapshot.counted(snapshot.status["port"]), snapshot.ruleset.policy["uncounted"]
    if uncounted is None:
        return {"counted": None, "counted_at_least": False}
    if address is None:
        number, lower, upper = in_state.total(), uncounted["at_least"], uncounted["at_most"]
    else:
        number, (lower, upper) = in_state[address], uncounted["sources"].get(address, (0, 0))
    # A snapshot is not of one moment: a connection can have ended between ss(8) and conntrack(8).
    return {"counted": max(0, number - upper), "counted_at_least": upper > lower}


def silent(snapshot: Snapshot) -> str | None:
    """Why the server process did not answer, if it did not: then the kernel's numbers are all that is known."""
    why: str | None = snapshot.status.get("silent")
    return why


def client(snapshot: Snapshot, address: str) -> dict[str, Any]:
    """Return the numbers of the host that has this address now; `counted` is of the address, as the limit's count is.

    The snapshot was asked for its moments. What an earlier host of the address left is `others`'.
    """
    port, account = snapshot.status["port"], _since(snapshot, address)
    source_ports = _held(snapshot, address, port)
    return {
        "held": sum(source_port not in account["earlier"] for source_port in source_ports),
        **counted(snapshot, address),
        "accepted": account["accepted"], "accepted_at_least": account["accepted_perhaps"] > 0,
        **_refused(snapshot, account["refused"], unsure=account["refused_perhaps"] > 0),
    }  # fmt: skip


def others(snapshot: Snapshot, clients: Iterable[str]) -> list[dict[str, Any]]:
    """List a row for each source that is no client of the lab, and for what earlier hosts of a client's address did.

    The latter has `earlier` true and no `counted`: the limit counts by address, so those are in the client's row.
    """
    port, client_addresses = snapshot.status["port"], set(clients)
    held, in_state, accounts = snapshot.held(port), snapshot.counted(port), snapshot.status["sources"]
    clients_with_accounts = sorted(client_addresses & accounts.keys(), key=_by_number)
    rows = [_earlier(snapshot, address, port) for address in clients_with_accounts]
    elsewhere = (held.keys() | in_state.keys() | accounts.keys()) - client_addresses
    zeros = dict.fromkeys(("accepted", "refused"), None if silent(snapshot) else 0)
    for address in sorted(elsewhere, key=_by_number):
        account = accounts.get(address, zeros)
        rows.append({
            "address": address, "earlier": False, "held": held[address], **counted(snapshot, address),
            "accepted": account["accepted"], "accepted_at_least": False,
            **_refused(snapshot, account["refused"], unsure=False),
        })  # fmt: skip
    return [row for row in rows if any(row[what] for what in ("held", "counted", "accepted", "refused"))]


def _earlier(snapshot: Snapshot, address: str, port: int) -> dict[str, Any]:
    """Return what is certainly of an earlier host: all but what is, or may be, of the present one."""
    account, total = _since(snapshot, address), snapshot.status["sources"][address]
    remainder = {
        what: total[what] - account[what] - account[f"{what}_perhaps"] for what in ("accepted", "refused")
    }  # fmt: skip
    return {
        "address": address, "earlier": True,
        "held": sum(source_port in account["earlier"] for source_port in _held(snapshot, address, port)),
        "counted": None, "counted_at_least": False,
        "accepted": remainder["accepted"], "accepted_at_least": account["accepted_perhaps"] > 0,
        **_refused(snapshot, remainder["refused"], unsure=account["refused_perhaps"] > 0),
    }  # fmt: skip


def _held(snapshot: Snapshot, address: str, port: int) -> Sequence[int]:
    """List the ports that this address holds a connection from."""
    return [socket.peer_port for socket in snapshot.established(port) if socket.peer == address]


def _since(snapshot: Snapshot, address: str) -> Mapping[str, Any]:
    """Return the server's account of an address since its host began; zeros for one that it never heard of."""
    number = None if silent(snapshot) else 0
    zeros = {
        "accepted": number,
        "refused": number,
        "accepted_perhaps": 0,
        "refused_perhaps": 0,
        "earlier": (),
    }
    accounts: Mapping[str, Mapping[str, Any]] = snapshot.status["sources"].get(address, {"since": zeros})
    return accounts["since"]


def _refused(snapshot: Snapshot, number: int, *, unsure: bool) -> dict[str, Any]:
    report = refusals(snapshot)
    if report["refused_lost"] is None:
        return {"refused": None, "refused_at_least": False}
    unsure = unsure or report["refused_behind"] or report["refused_lost"] > 0
    return {"refused": number, "refused_at_least": unsure}


def _by_number(address: str) -> str:
    return ".".join(part.zfill(3) for part in address.split("."))
