"""Debian's kernels: reads the indices of its suites with apt, which checks their signatures, and lists what is there.

`python3 -m kernels.archive update` fetches the indices, `list` prints a JSON line a kernel: release, suites, packages.
"""

from __future__ import annotations

import glob
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

STATE = "/var/lib/connlab-archive"
SUITES = (
    "bullseye", "bullseye-security", "bookworm", "bookworm-security", "bookworm-updates", "bookworm-backports",
    "trixie", "trixie-security", "trixie-updates", "trixie-backports",
)  # fmt: skip
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ARCHITECTURE = "amd64"
# Up to 6.18 the image has all; from 6.19 on it is empty, and its files are in two others.
IMAGE = re.compile(rf"linux-image-\d+\.\d+\.\d\S*-cloud-{ARCHITECTURE}")
BINARY = re.compile(rf"linux-binary-\d+\.\d+\.\d\S*-cloud-{ARCHITECTURE}")
DEFAULT = f"linux-image-cloud-{ARCHITECTURE}"


def options() -> list[str]:
    """Return the options that keep apt to a state of its own."""
    said = {
        "Dir::State::Lists": f"{STATE}/lists", "Dir::Cache": f"{STATE}/cache", "Dir::State::status": "/dev/null",
        "Dir::Cache::pkgcache": "", "Dir::Cache::srcpkgcache": "",
        "Dir::Etc::SourceList": f"{STATE}/sources.list", "Dir::Etc::SourceParts": "/nowhere",
        "APT::Architecture": ARCHITECTURE, "Acquire::Languages": "none", "APT::Sandbox::User": "root",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    }  # fmt: skip
    return [word for key, value in said.items() for word in ("-o", f"{key}={value}")]


def update() -> None:
    """Fetch the indices of all suites, and keep what they say of kernels; apt has checked their signatures.

    A suite that is not there is passed over. Raises CalledProcessError.
    """
    for folder in ("lists/partial", "cache/archives/partial"):
        os.makedirs(f"{STATE}/{folder}", exist_ok=True)
    main = _address()
    security = f"{main}-security"
    with open(f"{STATE}/sources.list", "w", encoding="ascii") as file:
        for suite in SUITES:
            file.write(
                f"deb [signed-by={KEYRING}] {security if 'security' in suite else main} {suite} main\n"
            )
    subprocess.run(["apt-get", *options(), "update"], check=True, stdout=sys.stderr)
    for path in glob.glob(f"{STATE}/lists/*_Packages"):
        keep_kernels(path)


def keep_kernels(path: str) -> None:
    """Leave the paragraphs of kernels alone in an index: 2 MB of 330, which each download would read."""
    with open(path, encoding="utf-8") as file:
        paragraphs = [text for text in file.read().split("\n\n") if text.startswith("Package: linux-")]
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{text.rstrip()}\n\n" for text in paragraphs)


def _address() -> str:
    """Return where the packages of this image come from."""
    for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*")]:
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                if found := re.search(
                    r"^(?:deb\s+(?:\[[^]]*\]\s+)?|URIs:\s*)(\S+/debian)/?(?:\s|$)", file.read(), re.M
                ):
                    return found[1]
    raise SystemExit("the image has no source of Debian packages")


def kernels() -> list[dict[str, Any]]:
    """List the kernels of all suites by release, as 6.12.57; `default` are the suites that install it unasked."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(glob.glob(f"{STATE}/lists/*_Packages")):
        suite = path.rsplit("/", 1)[1].partition("_dists_")[2].partition("_main_")[0]
        packages = dict(_packages(path))
        for name, version in packages.items():
            if wanted := _wanted(name, packages):
                release = _release(version)
                found.setdefault(release, {"release": release, "default": [], "packages": wanted})
        if DEFAULT in packages and (release := _release(packages[DEFAULT])) in found:
            found[release]["default"].append(suite)
    return list(found.values())


def _wanted(name: str, packages: dict[str, str]) -> list[str]:
    """Return which packages have the files of a kernel, with their versions; none if this one is none of them."""
    if IMAGE.fullmatch(name) and name.replace("-image-", "-binary-", 1) not in packages:
        return [f"{name}={packages[name]}"]
    modules = name.replace("-binary-", "-modules-", 1)
    if BINARY.fullmatch(name) and modules in packages:
        return [f"{each}={packages[each]}" for each in (name, modules)]
    return []


def _release(version: str) -> str:
    return version.partition("-")[0].partition("~")[0]


def _packages(path: str) -> Iterator[tuple[str, str]]:
    name = ""
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("Package: linux-"):
                name = line.split()[1]
            elif name and line.startswith("Version: "):
                yield name, line.split()[1]
                name = ""


if __name__ == "__main__":
    if sys.argv[1] == "update":
        update()
    for kernel in kernels():
        print(json.dumps(kernel))
