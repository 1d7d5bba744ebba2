"""`python3 -m client.sysctls` prints the keys of this host's own profile, as a JSON list.

A program of its own that imports next to nothing: each `status` asks every client.
"""

from __future__ import annotations

import os
from _json import encode_basestring_ascii as quote

from connlab.machine import sysctls


def _json(sysctl: sysctls.Sysctl) -> str:
    fields = (f'"{name}": {"null" if value is None else quote(value)}' for name, value in sysctl.items())
    return f"{{{', '.join(fields)}}}"


def main() -> None:
    """Print the list. Exit status 2 for a bad profile."""
    profile = os.environ.get("CLIENT_SYSCTL", "stock")
    try:
        print(f"[{', '.join(map(_json, sysctls.read(profile)))}]")
    except (OSError, ValueError) as error:
        os.write(2, f"connlab client: CLIENT_SYSCTL={profile!r}: {error}\n".encode())
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
