"""The lab of most recordings: one client, and a server that closes once it has read; no limit is in reach."""

from __future__ import annotations


def greeting_lab(profile: str, clients: str = "") -> dict[str, object]:
    """Return the knobs of a lab whose hosts have this profile, or its client another one.

    A queue of 20 wait for the server, which serves one at a time.
    """
    profiles = {"SYSCTL": profile, "CLIENT_SYSCTL": clients or profile}
    return {**profiles, "SERVER_MODE": "greeting", "CONNLIMIT": 1000, "BACKLOG": 20}
