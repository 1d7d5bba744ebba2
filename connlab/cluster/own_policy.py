"""A policy of one's own, `FIREWALL=path/to/file`: kept as a server of a lab loads it, for each content of the file.

A server loads what iptables-save and nft print, and nothing else. Who brings a lab up makes that of a file
(connlab/trial/files/own_policy.py) and keeps it in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from connlab.base.errors import LabError
from connlab.base.lock import folder
from connlab.base.settings import Settings
from connlab.cluster import images

RULES, NFT = "own/policy.rules", "own/policy.nft"  # server/firewall.py has the same


def is_own(settings: Settings) -> bool:
    """Tell whether the policy is a file of the user's, not one of firewall/."""
    return "/" in settings.values["FIREWALL"]


def content(settings: Settings) -> bytes:
    """Read the file. Raises `LabError`."""
    path = settings.values["FIREWALL"]
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise LabError(
            f"FIREWALL={path}", error.strerror, next_step="mend the file, or choose another policy"
        ) from None


def kept(settings: Settings) -> dict[str, str] | None:
    """Return the texts by path, as the server gets them; None if nobody made them yet. Raises `LabError`."""
    with contextlib.suppress(OSError, ValueError):
        return {
            name: str(text) for name, text in json.loads(_file(settings).read_text(encoding="utf-8")).items()
        }
    return None


def keep(settings: Settings, texts: Mapping[str, str]) -> None:
    """Keep texts for the file as it is now. Raises `LabError`."""
    path = _file(settings)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_text(json.dumps(texts), encoding="utf-8")
        path.chmod(0o600)
    except OSError as error:
        raise LabError(f"the policy cannot be kept in {path.parent}", error.strerror) from None


def texts(settings: Settings) -> dict[str, str]:
    """Return the texts of the policy. Raises `LabError` if the file was edited since they were made."""
    found = kept(settings)
    if found is None:
        raise LabError(f"{settings.values['FIREWALL']} was edited since the lab came up", next_step="make up")
    return found


def _file(settings: Settings) -> Path:
    """Name a file by all that its content depends on: the policy, the knobs that it may have, the tools."""
    total = hashlib.sha256(content(settings))
    for part in (settings.values["PORT"], settings.values["CONNLIMIT"], images.name(settings, "namespaces")):
        total.update(f"\0{part}".encode())
    return folder() / "policies" / f"{total.hexdigest()}.json"
