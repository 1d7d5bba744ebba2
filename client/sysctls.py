"""Kernel settings: what this host's profile in sysctl/ declares against what its kernel has.

Compose sets the keys when it creates the container, because /proc/sys is read-only inside; so all that is
left to do here is to look. `python3 -m client.sysctls` prints what is found, as a JSON list.
"""

from __future__ import annotations

import os

from client import events, files, settings

PROC = "/proc/sys/"


def read(profile: str) -> list[dict[str, str | None]]:
    """Every key that the profile names, those that Linux removed included: the fields of a `sysctl` event.

    The lab, or the image, has the profile in the form of sysctl.conf(5), its values as /proc/sys shows them.
    `effective` is None where this kernel has no such key (`state` is `absent`) or this process may not read it
    (`unreadable`); else `state` is `applied` or `differs`.
    """
    lines = files.text(f"sysctl/{profile}.conf", os.environ).splitlines()
    return [_look(*line.split(" = ", 1)) for line in lines]


def _look(key: str, declared: str) -> dict[str, str | None]:
    effective = None
    try:
        with open(PROC + key.replace(".", "/")) as file:
            effective = " ".join(file.read().split())
        state = "applied" if effective == declared else "differs"
    except FileNotFoundError:
        state = "absent"
    except PermissionError:  # tcp_fastopen_key is root's alone
        state = "unreadable"
    return {"key": key, "declared": declared, "effective": effective, "state": state}


def main() -> None:
    """Print the keys of this host's own profile. Exit status 2 for a bad knob."""
    try:
        profile = settings.read(os.environ)["client_sysctl"]
    except ValueError as error:
        os.write(2, f"connlab client: {error}\n".encode())
        raise SystemExit(2) from None
    print(f"[{', '.join(map(events.as_json, read(profile)))}]")


if __name__ == "__main__":
    main()
