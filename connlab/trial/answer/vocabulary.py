"""The closed sets of words that an answer is made of (docs/try.md has a sentence for each)."""

from __future__ import annotations

FINDINGS = (
    "unlimited", "never-reached", "shared-by-net", "shared-by-all", "ports-share", "mask-means-another-thing",
    "ipv6-open", "live-reset", "live-frozen", "connected-but-dead", "refusal-rationed", "refusal-silent",
    "upside-down", "rate-not-count", "bans", "outgoing-counted", "loopback-limited", "shut-port-opened", "log-only",
    "log-silent", "wipes-table", "loads-partly", "set-full-opens", "counts-elsewhere", "neighbour-silent",
    "burst-locks-out",
)  # fmt: skip
DIFFERENCE = "kernels-differ"  # of several kernels, each of which has a trial of its own
VERDICTS = (
    "absent", "not-in-container", "machine-wide", "privileged-only", "invalid", "overridden", "cancelled",
    "already-so", "lower-than-default", "only-if-asked", "other-side", "applied",
)  # fmt: skip
REFUSALS = ("rst", "icmp", "silence", "icmp, then silence", "connected, then silence", "none")
LIVES = ("unharmed", "reset", "frozen", "dead")
# Of an entry of ports[] and of offices[], in their order.
PORT_FIELDS = (
    "port", "family", "from", "via", "limit", "cap", "shared_by", "ports", "refusal", "decided_by", "pattern", "late",
    "burst", "bursts", "loopback", "live", "live_untracked", "live_tracked", "frees", "again", "witnesses_agree",
)  # fmt: skip
OFFICE_FIELDS = ("port", "people", "each", "got", "per_person", "neighbour")
