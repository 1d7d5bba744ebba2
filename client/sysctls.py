"""Kernel settings: what this host's profile in sysctl/ declares against what its kernel has.

Compose sets the keys when it creates the container, because /proc/sys is read-only inside; so all that is
left to do here is to look. `python3 -m client.sysctls` prints what is found, as a JSON list.
"""

from __future__ import annotations

import os

from client import settings
from client.settings import HOME

PROC = "/proc/sys/"


def read(profile: str) -> list[dict[str, str | None]]:
    """Every key that the profile names, those that Linux removed included: the fields of a `sysctl` event.

    `effective` is None where this kernel has no such key; `state` is `applied`, `absent` or `differs`.
    """
    with open(os.path.join(HOME, "sysctl", profile + ".yaml")) as file:
        return [_look(*pair) for line in file if (pair := _declared(line))]


def _declared(line: str) -> tuple[str, str] | None:
    """Key and value if a line of a profile has one; no more of YAML than the profiles use."""
    key, colon, value = line.partition(":")
    if not colon or not key[:1].isspace() or not key.lstrip().startswith("net."):
        return None
    return key.strip(), value.partition("#")[0].strip().strip('"')


def _look(key: str, declared: str) -> dict[str, str | None]:
    effective = _effective(key)
    state = "applied" if effective == declared else "differs"
    if effective is None:
        state = "absent"
    return {"key": key, "declared": declared, "effective": effective, "state": state}


def _effective(key: str) -> str | None:
    try:
        with open(PROC + key.replace(".", "/")) as file:
            return " ".join(file.read().split())
    except FileNotFoundError:
        return None


def main() -> None:
    """Print the keys of this host's own profile. Exit status 2 for a bad knob."""
    # Late: PID 1 needs this module, and not what json would cost each idle host.
    import json

    try:
        profile = settings.read(os.environ)["client_sysctl"]
    except ValueError as error:
        os.write(2, f"connlab client: {error}\n".encode())
        raise SystemExit(2) from None
    print(json.dumps(read(profile)))


if __name__ == "__main__":
    main()
