"""`python3 -m client.sysctls` prints the keys of this host's own profile, as a JSON list on a line.

A program of its own that imports next to nothing: each `status` asks a client. A command that is given then takes its
place, `... ss -tanH`, so that one `docker exec` has both answers.
"""

from __future__ import annotations

import os
import sys
from _json import encode_basestring_ascii as quote

from connlab.machine import sysctls


def _json(sysctl: sysctls.Sysctl) -> str:
    fields = (f'"{name}": {"null" if value is None else quote(value)}' for name, value in sysctl.items())
    return f"{{{', '.join(fields)}}}"


def main(command: list[str]) -> None:
    """Print the list, then become the command if there is one. Exit status 2 for a bad profile."""
    profile = os.environ.get("CLIENT_SYSCTL", "stock")
    try:
        print(f"[{', '.join(map(_json, sysctls.read(profile)))}]", flush=True)
    except (OSError, ValueError) as error:
        os.write(2, f"connlab client: CLIENT_SYSCTL={profile!r}: {error}\n".encode())
        raise SystemExit(2) from None
    if command:
        os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
