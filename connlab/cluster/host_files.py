"""What travels to a host in its environment: its policy, its profile and the server's modes, as they are now.

The images hold none of them, so an edited one is no new image; and a bind mount would be empty on an engine
elsewhere. The host reads `CONNLAB_FILES`, a JSON object of texts by path, before its own disk
(connlab/machine/files.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from connlab.base.errors import LabError
from connlab.base.settings import HOME, Settings
from connlab.cluster import own_policy, profiles

VARIABLE = "CONNLAB_FILES"
LONGEST = 128 * 1024 - len(VARIABLE) - 2  # bytes: MAX_ARG_STRLEN with name, `=` and NUL (execve(2))


def variables(settings: Settings) -> dict[str, str]:
    """Return what compose.yaml fills in: `SERVER_FILES` and `CLIENT_FILES`. Raises `LabError` as `environment` does."""
    return {f"{service.upper()}_FILES": environment(settings, service)[VARIABLE] for service in FILES}


def environment(settings: Settings, service: str) -> dict[str, str]:
    """Return the variable of one host. Raises `LabError` for a file that cannot be read, or if it is too long."""
    files = FILES[service](settings)
    text = json.dumps(files)
    if len(text) > LONGEST:
        sizes = sorted(((len(json.dumps(content)), path) for path, content in files.items()), reverse=True)
        largest = ", ".join(f"{path} {size:,}" for size, path in sizes[:3])
        raise LabError(
            f"the files of the {service} are {len(text):,} bytes, and an environment variable, in which"
            f" they travel, has room for {LONGEST:,} (Linux, MAX_ARG_STRLEN)",
            largest,
            next_step="make them shorter; comments count too",
        )
    return {VARIABLE: text}


def _of_server(settings: Settings) -> Mapping[str, str]:
    modes = sorted(HOME.glob("server/modes/*.py"))
    paths = [str(mode.relative_to(HOME)) for mode in modes if mode.name != "__init__.py"]
    texts = {path: _text(HOME / path) for path in paths}
    return {**_policy(settings), **texts, **_profile(settings.values["SYSCTL"])}


def _policy(settings: Settings) -> Mapping[str, str]:
    if own_policy.is_own(settings):
        return own_policy.texts(settings)
    path = f"firewall/{settings.values['FIREWALL']}.rules"
    return {path: _text(HOME / path)}


def _of_client(settings: Settings) -> Mapping[str, str]:
    return _profile(settings.values["CLIENT_SYSCTL"])


def _profile(name: str) -> dict[str, str]:
    return {f"sysctl/{name}.conf": profiles.conf(name)}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        problem = str(error.strerror)
    except UnicodeDecodeError as error:
        problem = f"it is not UTF-8 (byte {error.start})"
    raise LabError(path.relative_to(HOME), problem, next_step="mend the file")


FILES = {"server": _of_server, "client": _of_client}
