"""Profiles of kernel settings, read from sysctl/: each is a Compose fragment for a host, server or client."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from lab.settings import HOME


def path(name: str) -> str:
    """The file of a profile, as a person would write it."""
    return f"sysctl/{name}.yaml"


def sysctls(name: str) -> Mapping[str, str]:
    """The keys that a host of this profile is created with, without those that Linux removed."""
    keys: Mapping[str, str] = yaml.safe_load((HOME / path(name)).read_text())["services"]["host"]["sysctls"]
    return keys
