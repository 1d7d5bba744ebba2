"""Reports of refusals (NFLOG) as a real kernel sent them: tests/unit/data/nflog.json, by name."""

from __future__ import annotations

import json
import struct
from pathlib import Path

REPORTS = {
    name: [bytes.fromhex(datagram) for datagram in datagrams]
    for name, datagrams in json.loads((Path(__file__).parents[1] / "data/nflog.json").read_text()).items()
}


def numbered_report(number: int) -> bytes:
    """Return a report with another sequence number (attribute 12 of its message)."""
    datagram = bytearray(REPORTS["ipv4"][0])
    at = datagram.index(struct.pack("=HH", 8, 12)) + 4
    datagram[at : at + 4] = struct.pack(">I", number)
    return bytes(datagram)
