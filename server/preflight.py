"""Try in a throw-away host all that could stop this host from becoming ready, and say what would.

`python3 -m server.preflight '{"sysctl/article.yaml": {"net.ipv4.x": "1"}, ...}'` with the environment of a server,
as root in a network namespace whose /proc/sys/net can be written. Prints `{"problems": [...]}` last; exit status 1 if
there is one.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from server import __main__ as start
from server import mode_loader, settings
from server.connections import Connections

PROC = Path("/proc/sys")


def main(profiles: Mapping[str, Mapping[str, str]]) -> int:
    """Try all kernel settings, then the policy, then the server without privileges; print the problems."""
    problems = [
        f"{file}: {key}: {problem}"
        for file, keys in profiles.items()
        for key, value in keys.items()
        if (problem := _kernel(key, value))
    ]
    if not problems and (status := start.main(["check"])):
        return status
    problems = problems or _listener()
    print(json.dumps({"problems": problems}), flush=True)
    return 1 if problems else 0


def _kernel(key: str, value: str) -> str:
    """Return why a key cannot be set to this value; empty if it can, and reads back the same. It is left as it was."""
    # There is no eth0 without a network; what it has, the loopback has too.
    path = PROC / key.replace(".eth0.", ".lo.").replace(".", "/")
    try:
        before = path.read_text()
        path.write_text(value)
        after = path.read_text().split()
        path.write_text(before.strip())
    except FileNotFoundError:
        return "this kernel has no such setting, or none that a network namespace has for itself"
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ERANGE):
            return f"the kernel does not take {value!r} ({os.strerror(error.errno)})"
        return f"it cannot be set ({os.strerror(error.errno or 0)})"
    return "" if after == value.split() else f"{' '.join(after)} is what it is after {value!r} was written"


def _listener() -> list[str]:
    """Return what stops the server of this mode from listening; an address of the lab's network is not tried."""
    knobs = settings.read()
    local = knobs.listen if knobs.listen == "localhost" or knobs.listen.startswith("127.") else ""
    mode_loader.install()
    os.setgid(start.UNPRIVILEGED)
    os.setuid(start.UNPRIVILEGED)
    try:
        mode = importlib.import_module(f"server.modes.{knobs.mode}")
        mode.build(knobs._replace(listen=local), Connections()).server_close()
    except OSError as error:
        return [f"LISTEN={knobs.listen!r}, PORT={knobs.port}: {error}"]
    except Exception as error:  # whatever an edited mode does
        return [f"server/modes/{knobs.mode}.py: {type(error).__name__}: {error}"]
    return []


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
