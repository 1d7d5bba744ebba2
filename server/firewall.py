"""The firewall policy: text from firewall/, into the kernel, and back out to be compared.

A rule that was written is not yet a rule in force, so the server listens only after the kernel has
given back, word for word, what the file says.
"""

from __future__ import annotations

import re
import string

from connlab.machine import files
from server import commands, policy_file, rules, ruleset, syn_rules
from server.settings import Settings

OWN = "own/policy"  # connlab/cluster/own_policy.py has the same
NO_LIMIT = "none"  # the policy that is meant to refuse nothing


class PolicyError(Exception):
    """The policy is not in force; the text is the kernel tool's own, or the difference."""


def apply(settings: Settings) -> str:
    """Load the policy named in `settings` and read it back; returns its text.

    `iptables-restore` replaces the tables named in the file, each in one transaction, and no other:
    Docker keeps its DNS rules in `nat`. Raises `PolicyError`, and then nothing may listen.
    """
    text, native = render(settings), native_text(settings)
    _tool(["iptables-restore", "--test"], text)
    if settings.firewall != NO_LIMIT and not native and not policy_file.refuses(text, settings.port):
        raise _no_limit(settings)
    _tool(["iptables-restore"], text)
    written = statements(text)
    tables = [line[1:] for line in written if line.startswith("*")]
    present = [line for table in tables for line in statements(_tool(["iptables-save", "-t", table]))]
    if present != written:
        lines = [f"  written: {line}" for line in written if line not in present]
        lines += [f"  present: {line}" for line in present if line not in written]
        raise PolicyError(
            "the kernel's rules are not the file's; write them as iptables-save prints them\n"
            + "\n".join(lines)
        )
    if native:
        _tool(["nft", "-f", "-"], native)
        now = ruleset.read()
        if not syn_rules.refusing(now.chains, now.rules, settings.port):
            raise _no_limit(settings)
    return text


def render(settings: Settings) -> str:
    """Fill ${PORT} and ${CONNLIMIT} into the rules file; a policy of the user's own has come as it is to be loaded.

    Raises `PolicyError`.
    """
    if is_own(settings):
        return files.text(f"{OWN}.rules")
    try:
        return string.Template(files.text(f"firewall/{settings.firewall}.rules")).substitute(
            PORT=settings.port, CONNLIMIT=settings.connlimit
        )
    except KeyError as error:
        raise PolicyError(f"variable {error} is not one of ${{PORT}}, ${{CONNLIMIT}}") from None
    except ValueError as error:
        raise PolicyError(f"{error}; write a dollar sign as $$") from None


def native_text(settings: Settings) -> str:
    """Return what nft loads of a policy of the user's own: nothing of any other."""
    return files.text(f"{OWN}.nft") if is_own(settings) else ""


def is_own(settings: Settings) -> bool:
    """Tell whether the policy is a file of the user's, which the lab has read back from a kernel (FIREWALL=path)."""
    return "/" in settings.firewall


def statements(text: str) -> list[str]:
    """Return what a ruleset says, without comments, COMMIT and counters: comparable between file and kernel."""
    lines = (re.sub(r" \[\d+:\d+\]$", "", line.strip()) for line in text.splitlines())
    return [line for line in lines if line and line != "COMMIT" and not line.startswith("#")]


def nflog_group(text: str) -> int | None:
    """Return the NFLOG group that the policy reports refusals to; None if it reports none."""
    for rule in policy_file.parsed(text)[1]:
        if rules.target(rule.text) == "NFLOG" and "--nflog-group" in (words := rules.words(rule.text)):
            return int(words[words.index("--nflog-group") + 1])
    return None


def backend() -> str:
    """Return `nf_tables` or `legacy`, the iptables variant of this image."""
    version = _tool(["iptables", "--version"])
    return version[version.find("(") + 1 : version.rfind(")")]


def _no_limit(settings: Settings) -> PolicyError:
    return PolicyError(
        f"no rule and no chain policy of {settings.firewall} refuses anything on the way to port {settings.port};"
        f" mend it, or say FIREWALL={NO_LIMIT} if no limit is meant"
    )


def _tool(argv: list[str], stdin: str = "") -> str:
    result = commands.run(argv, stdin)
    if result.status:
        raise PolicyError(f"{argv[0]}: exit status {result.status}: {result.error.strip()}")
    return result.output
