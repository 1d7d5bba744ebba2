"""The firewall policy: text from firewall/, into the kernel, and back out to be compared.

A rule that was written is not yet a rule in force, so the server listens only after the kernel has
given back, word for word, what the file says.
"""

from __future__ import annotations

import re
import string
import subprocess

from connlab.machine import files
from server import policy_file, rules
from server.settings import Settings

NO_LIMIT = "none"  # the policy that is meant to refuse nothing


class PolicyError(Exception):
    """The policy is not in force; the text is the kernel tool's own, or the difference."""


def apply(settings: Settings) -> str:
    """Load the policy named in `settings` and read it back; returns its text.

    `iptables-restore` replaces the tables named in the file, each in one transaction, and no other:
    Docker keeps its DNS rules in `nat`. Raises `PolicyError`, and then nothing may listen.
    """
    text = render(settings)
    _tool(["iptables-restore", "--test"], text)
    if settings.firewall != NO_LIMIT and not policy_file.refuses(text, settings.port):
        raise PolicyError(
            f"no rule and no chain policy of {settings.firewall} refuses anything on the way to port {settings.port};"
            f" mend it, or say FIREWALL={NO_LIMIT} if no limit is meant"
        )
    _tool(["iptables-restore"], text)
    wanted = statements(text)
    tables = [line[1:] for line in wanted if line.startswith("*")]
    found = [line for table in tables for line in statements(_tool(["iptables-save", "-t", table]))]
    if found != wanted:
        written = "\n".join(f"  written: {line}" for line in wanted if line not in found)
        present = "\n".join(f"  present: {line}" for line in found if line not in wanted)
        raise PolicyError(
            "the kernel's rules are not the file's; write them as iptables-save prints them\n"
            f"{written}\n{present}"
        )
    return text


def render(settings: Settings) -> str:
    """The rules file with ${PORT} and ${CONNLIMIT} filled in. Raises `PolicyError`."""
    try:
        return string.Template(files.text(f"firewall/{settings.firewall}.rules")).substitute(
            PORT=settings.port, CONNLIMIT=settings.connlimit
        )
    except KeyError as unknown:
        raise PolicyError(f"variable {unknown} is not one of ${{PORT}}, ${{CONNLIMIT}}") from None
    except ValueError as stray:
        raise PolicyError(f"{stray}; write a dollar sign as $$") from None


def statements(text: str) -> list[str]:
    """What a ruleset says, without comments, COMMIT and counters: comparable between file and kernel."""
    lines = (re.sub(r" \[\d+:\d+\]$", "", line.strip()) for line in text.splitlines())
    return [line for line in lines if line and line != "COMMIT" and not line.startswith("#")]


def nflog_group(text: str) -> int | None:
    """The NFLOG group that the policy reports refusals to; None if it reports none."""
    for rule in policy_file.parsed(text)[1]:
        if rules.target(rule.text) == "NFLOG" and "--nflog-group" in (said := rules.words(rule.text)):
            return int(said[said.index("--nflog-group") + 1])
    return None


def backend() -> str:
    """`nf_tables` or `legacy`: the iptables variant of this image."""
    version = _tool(["iptables", "--version"])
    return version[version.find("(") + 1 : version.rfind(")")]


def _tool(argv: list[str], stdin: str = "") -> str:
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PolicyError(f"{argv[0]}: exit status {done.returncode}: {done.stderr.strip()}")
    return done.stdout
