"""The sources of a dense lab, told by client: what the server's kernel and process know of each address of a block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connlab.base.errors import Usage
from connlab.cluster.blocks import Blocks
from connlab.cluster.host import Host

Row = Mapping[str, Any]


def by_client(rows: Iterable[Row], found: Blocks | None) -> tuple[dict[int, list[Row]], list[Row]]:
    """Part the rows of sources into those of each client's block, by its number, and all others."""
    owned: dict[int, list[Row]] = {}
    others = []
    for row in rows:
        owner = found.owner(row["address"]) if found and not row["earlier"] else None
        if owner is None:
            others.append(row)
        else:
            owned.setdefault(owner, []).append({name: row[name] for name in row if name != "earlier"})
    return owned, others


def source(text: str, dialler: Host, found: Blocks | None) -> str:
    """Return the address that a person means by the number or the address of a source of a client.

    Raises `Usage` if the client has no block, or not this address.
    """
    if found is None:
        raise Usage(
            f"{dialler.name} has one address, so there is no source to choose",
            next_step="make up SOURCES_PER_CLIENT=256",
        )
    block = found.of(dialler.number)
    if text.isascii() and text.isdigit() and 1 <= int(text) <= found.sources:
        return str(block[int(text) - 1])
    if text in map(str, block):
        return text
    raise Usage(
        f"SOURCE={text!r} is no source of {dialler.name}, which has {block}",
        next_step=f"a number from 1 to {found.sources}, or an address of that block",
    )


def block(found: Blocks, host: Host, rows: Sequence[Row]) -> dict[str, Any]:
    """Return a client's block: its `address`, its `size`, sums, and a row for each of the `sources` that is known.

    A sum is None where nobody knows one of its numbers.
    """
    total: dict[str, Any] = {"address": str(found.of(host.number)), "size": found.sources}
    for what in ("held", "counted", "accepted", "refused"):
        numbers = [row[what] for row in rows]
        total[what] = None if None in numbers else sum(numbers)
        if what != "held":
            total[f"{what}_at_least"] = any(row[f"{what}_at_least"] for row in rows)
    return {**total, "sources": list(rows)}
