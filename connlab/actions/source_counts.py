"""Whose numbers are whose: what the server's kernel and process say by address, told by host.

Pure: of a look at the server and of who has which address. A number that nobody knows is None, never 0, and one that
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


def refusals(seen: Snapshot) -> dict[str, Any]:
    """What is known of refusals by source: `refused_lost` are those that the rules counted and no event told.

    Null if the policy reports none, or the server does not answer, so that no source is known. `refused_behind`: the
    server had not yet read all reports, so what is missing may still be told. Counters that went back are no loss.
    """
    told = seen.status["refusals"]
    if told is None or not told["reported"]:
        return {"refused_lost": None, "refused_behind": False}
    missing = 0 if told["behind"] else seen.refused - seen.reported("refused")
    return {"refused_lost": max(told["lost"], missing, 0), "refused_behind": told["behind"]}


def server(seen: Snapshot) -> dict[str, Any]:
    """The server's own numbers: of all sources, whoever they are."""
    port, told = seen.status["port"], seen.reported("refused")
    return {
        "held": seen.held(port).total(), **counted(seen),
        "accepted": None if silent(seen) else seen.reported("accepted"),
        # The rules' counters begin anew with a reload or when they are zeroed; the process goes on counting.
        "refused": max(seen.refused, told), "refused_at_least": told > seen.refused, **refusals(seen),
        "silent": silent(seen),
    }  # fmt: skip


def counted(seen: Snapshot, address: str | None = None) -> dict[str, Any]:
    """How many connections the limit counts, of one address or of all.

    Those in a state that a connlimit counts (C03), without those that are older than its count; a number that may be
    too small where it is not known which are. None if no rule counts connections, or the rules are not known.
    """
    in_state, uncounted = seen.counted(seen.status["port"]), seen.ruleset.policy["uncounted"]
    if uncounted is None:
        return {"counted": None, "counted_at_least": False}
    if address is None:
        number, least, most = in_state.total(), uncounted["at_least"], uncounted["at_most"]
    else:
        number, (least, most) = in_state[address], uncounted["sources"].get(address, (0, 0))
    # A look is not of one moment: a connection can have ended between ss(8) and conntrack(8).
    return {"counted": max(0, number - most), "counted_at_least": most > least}


def silent(seen: Snapshot) -> str | None:
    """Why the server process did not answer, if it did not: then the kernel's numbers are all that is known."""
    why: str | None = seen.status.get("silent")
    return why


def client(seen: Snapshot, address: str) -> dict[str, Any]:
    """The numbers of the host that has this address now; `counted` is of the address, as the limit's count is.

    The snapshot was asked for its moments. What an earlier host of the address left is `others`'.
    """
    port, told = seen.status["port"], _since(seen, address)
    theirs = _held(seen, address, port)
    return {
        "held": sum(source_port not in told["earlier"] for source_port in theirs),
        **counted(seen, address),
        "accepted": told["accepted"], "accepted_at_least": told["accepted_perhaps"] > 0,
        **_refused(seen, told["refused"], unsure=told["refused_perhaps"] > 0),
    }  # fmt: skip


def others(seen: Snapshot, clients: Iterable[str]) -> list[dict[str, Any]]:
    """A row for each source that is no client of the lab, and for what earlier hosts of a client's address did.

    The latter has `earlier` true and no `counted`: the limit counts by address, so those are in the client's row.
    """
    port, now = seen.status["port"], set(clients)
    held, in_state, told = seen.held(port), seen.counted(port), seen.status["sources"]
    rows = [_earlier(seen, address, port) for address in sorted(now & told.keys(), key=_by_number)]
    for address in sorted((held.keys() | in_state.keys() | told.keys()) - now, key=_by_number):
        one = told.get(address, dict.fromkeys(("accepted", "refused"), None if silent(seen) else 0))
        rows.append({
            "address": address, "earlier": False, "held": held[address], **counted(seen, address),
            "accepted": one["accepted"], "accepted_at_least": False, **_refused(seen, one["refused"], unsure=False),
        })  # fmt: skip
    return [row for row in rows if any(row[what] for what in ("held", "counted", "accepted", "refused"))]


def _earlier(seen: Snapshot, address: str, port: int) -> dict[str, Any]:
    """What is certainly of an earlier host: all but what is, or may be, of the present one."""
    told, total = _since(seen, address), seen.status["sources"][address]
    before = {
        what: total[what] - told[what] - told[f"{what}_perhaps"] for what in ("accepted", "refused")
    }  # fmt: skip
    return {
        "address": address, "earlier": True,
        "held": sum(source_port in told["earlier"] for source_port in _held(seen, address, port)), "counted": None,
        "counted_at_least": False,
        "accepted": before["accepted"], "accepted_at_least": told["accepted_perhaps"] > 0,
        **_refused(seen, before["refused"], unsure=told["refused_perhaps"] > 0),
    }  # fmt: skip


def _held(seen: Snapshot, address: str, port: int) -> Sequence[int]:
    """The ports that this address holds a connection from."""
    return [socket.peer_port for socket in seen.established(port) if socket.peer == address]


def _since(seen: Snapshot, address: str) -> Mapping[str, Any]:
    """The server's account of an address since its host began; of one that it never heard of, nothing."""
    number = None if silent(seen) else 0
    nothing = {
        "accepted": number,
        "accepted_perhaps": 0,
        "refused": number,
        "refused_perhaps": 0,
        "earlier": (),
    }
    told: Mapping[str, Mapping[str, Any]] = seen.status["sources"].get(address, {"since": nothing})
    return told["since"]


def _refused(seen: Snapshot, number: int, *, unsure: bool) -> dict[str, Any]:
    known = refusals(seen)
    if known["refused_lost"] is None:
        return {"refused": None, "refused_at_least": False}
    return {
        "refused": number,
        "refused_at_least": unsure or known["refused_behind"] or known["refused_lost"] > 0,
    }


def _by_number(address: str) -> str:
    return ".".join(part.zfill(3) for part in address.split("."))
