"""The images: built when their sources changed, on a base that is made here if no registry has it."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from connlab.base.errors import LabError, NotFit
from connlab.base.lock import exclusive_lock
from connlab.base.output import notice
from connlab.base.settings import HOME, Settings
from connlab.cluster import engine
from connlab.cluster.subprocesses import run_to_end

SERVICES = ("server", "client")
STAGE = "lab"  # of their Dockerfiles: without what travels in the environment (connlab/cluster/host_files.py)
LABEL = "connlab.image"  # on all that was built from them, with the service
SMALLER = [f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in ("doc", "man", "locale", "info")]


def ensure(settings: Settings, services: Sequence[str] = SERVICES) -> None:
    """Build what is missing or stale; says what it does, and nothing when there is nothing to do.

    An image is named after the digest of what goes in, so two checkouts never build over each other's, one
    that is there is never stale, and none is left without a name. Raises `NotFit` without a base image, `LabError` if a
    build fails.
    """
    if any(_missing(settings, service) for service in services):
        with exclusive_lock("building the images"):
            for service in services:
                if _missing(settings, service):
                    _ensure_base(settings.values["BASE_IMAGE"])
                    notice(f"building {name(settings, service)}")
                    _build(settings, service)


def remove_unused() -> tuple[list[str], int]:
    """Remove every image that was built from our Dockerfiles and that nothing was made from: names, and bytes freed."""
    return engine.remove_unused_images(LABEL)


def name(settings: Settings, service: str) -> str:
    """Return the image of a service: its tag is the start of the digest of what goes in."""
    return f"connlab-{service}:{_digest(settings, service)[:12]}"


def names(settings: Settings) -> dict[str, str]:
    """Return the images by the variables that compose.yaml names them with."""
    return {f"{service.upper()}_IMAGE": name(settings, service) for service in SERVICES}


def derive(name: str, lines: Sequence[str]) -> str:
    """Make an image of lines of a Dockerfile, without a file of ours; empty if it is there, else why it is not."""
    if engine.image_labels(name) is not None:
        return ""
    notice(f"building {name}")
    return _problem(
        ["docker", "build", "--force-rm", "--tag", name, "-"], "".join(f"{line}\n" for line in lines)
    )


def _missing(settings: Settings, service: str) -> bool:
    return engine.image_labels(name(settings, service)) is None


def _digest(settings: Settings, service: str) -> str:
    """SHA-256 of everything that goes into an image: how it is made, names and bytes, and the base's name."""
    dockerfile = recipe(service)
    total = hashlib.sha256(f"{settings.values['BASE_IMAGE']}\0{dockerfile}".encode())
    for name in files(dockerfile):
        total.update(f"\0{name}\0".encode() + (HOME / name).read_bytes())
    return total.hexdigest()


def recipe(service: str) -> str:
    """Read the Dockerfile of a service, as far as the end of the stage that is built here."""
    text = (HOME / service / "Dockerfile").read_text(encoding="utf-8")
    stages = re.split(r"^(?=FROM )", text, flags=re.MULTILINE)
    heads = [stage.partition("\n")[0] for stage in stages]
    built = next(at for at, head in enumerate(heads) if re.fullmatch(rf"FROM \S+ AS {STAGE}", head))
    return "".join(stages[: built + 1])


def files(recipe: str) -> Iterator[str]:
    """Yield the files, seen from the repository, that a Dockerfile's COPY lines take from it.

    None that .dockerignore leaves out. Every verb asks several times: pathlib's own walk took three times as long.
    """
    for sources in re.findall(r"^COPY (?!--)(.+) \S+$", recipe, re.MULTILINE):
        for source in sources.split():
            for match in sorted(path for path in HOME.glob(source) if path.exists()):
                below = sorted(_files_below(match)) if match.is_dir() else [str(match)]
                yield from (path.removeprefix(f"{HOME}/") for path in below)


def _files_below(folder: Path | str) -> Iterator[str]:
    """Yield the files of a folder, in any order: no link that leads nowhere, as editors make them (`.#agent.py`)."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files_below(entry.path) if entry.name != "__pycache__" else ()
            elif entry.is_file():
                yield entry.path


def _build(settings: Settings, service: str) -> None:
    image = name(settings, service)
    argv = ["docker", "build", "--force-rm", "--tag", image, "--file", str(HOME / service / "Dockerfile")]
    argv += ["--target", STAGE, "--build-arg", f"BASE_IMAGE={settings.values['BASE_IMAGE']}"]
    if problem := _problem([*argv, str(HOME)]):
        raise LabError(f"building {image} failed", problem)
    # The classic builder leaves the stage that the last one copies from.
    engine.remove_nameless_images(f"{LABEL}={service}")


def _ensure_base(name: str) -> None:
    """Order: local image, registry, mmdebstrap (design decision 4)."""
    if engine.image_labels(name) is not None:
        return
    notice(f"pulling {name}")
    if problem := _problem(["docker", "pull", "--quiet", name]):
        suite = re.fullmatch(r"debian:([a-z]+)(-slim)?", name)
        if not suite:
            raise NotFit(
                f"no registry gave {name}",
                problem,
                next_step="BASE_IMAGE=debian:trixie-slim can be made here",
            )
        notice(f"no registry gave it ({problem.splitlines()[0]})")
        notice(f"making {name} here with mmdebstrap, about 20 s")
        _bootstrap(suite[1], name)


def _bootstrap(suite: str, name: str) -> None:
    _ensure_mmdebstrap()
    with tempfile.TemporaryDirectory(prefix="connlab-") as folder:
        archive = f"{folder}/root.tar"
        # The host's own resolver and name would be copied into the image.
        clean = '--customize-hook=rm -f "$1/etc/resolv.conf" "$1/etc/hostname"'
        _must(["mmdebstrap", "--quiet", "--variant=minbase", *SMALLER, clean, suite, archive])
        _must(["docker", "import", "--change", 'CMD ["bash"]', archive, name])


def _ensure_mmdebstrap() -> None:
    if shutil.which("mmdebstrap"):
        return
    command = "apt-get update && apt-get install --yes --no-install-recommends mmdebstrap"
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        raise NotFit(
            "no registry answers, and mmdebstrap, which would make the base image here, is not installed",
            next_step=f"on Debian or Ubuntu: sudo sh -c '{command}'; then run this again",
        )
    notice("installing mmdebstrap with apt-get")
    _must(["sh", "-c", command])


def _must(argv: list[str]) -> None:
    if problem := _problem(argv):
        raise NotFit(problem, next_step=f"see why with: {shlex.join(argv)}")


def _problem(argv: list[str], given: str = "") -> str:
    """Run a command with `given` as its input; empty if it succeeded, else the end of what it said."""
    status, said = run_to_end(
        argv,
        given=given.encode(),
        env=engine.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output = said.decode(errors="replace").strip()[-4000:]
    return f"{output or argv[0]} (exit status {status})" if status else ""
