"""What kind of text a file is, by its content: the tool that loads it, or the refusal that says what to bring."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from connlab.base.errors import Usage

LARGEST = 2 << 20  # bytes: 30,000 rules, which a kernel takes seconds to load
FORMS_READ = (
    "iptables-save text, nft rules, a shell script of iptables, nft or sysctl commands, sysctl.conf,"
    " a Compose file or a manifest with sysctls"
)


class Input(NamedTuple):
    """A file as it was brought: `path` as typed, `-` for standard input; `form` is a name of FORMS."""

    path: str
    form: str
    text: str


class Form(NamedTuple):
    """A kind of text: its name, how it is known, and which part of a trial reads it (rules, sysctls, script)."""

    name: str
    reader: str
    known_by: Callable[[str], bool]


class Foreign(NamedTuple):
    """A kind of text that a generator reads: how it is known, and the command whose output to bring instead."""

    name: str
    known_by: Callable[[str], bool]
    bring: str


def line(pattern: str) -> Callable[[str], bool]:
    """Return a test of whether any line of a text begins with what the pattern says, after blanks."""
    compiled = re.compile(rf"^[ \t]*(?:{pattern})", re.MULTILINE)
    return lambda text: compiled.search(text) is not None


def every(*tests: Callable[[str], bool]) -> Callable[[str], bool]:
    """Return a test of whether all tests say yes."""
    return lambda text: all(test(text) for test in tests)


def no(test: Callable[[str], bool]) -> Callable[[str], bool]:
    """Return a test of whether another says no."""
    return lambda text: not test(text)


def all_lines(pattern: str) -> Callable[[str], bool]:
    """Return a test of whether every line of a text begins with what the pattern says; one that goes on is one."""
    compiled = re.compile(pattern)
    return lambda text: all(compiled.match(each.strip()) for each in text.replace("\\\n", " ").splitlines())


TABLE = line(r"\*(filter|mangle|nat|raw|security)\s*$")
IPV6_WORDS = line(
    r"-[AI] .*(icmp6|ipv6-icmp|icmpv6|::|connlimit-mask (?:3[3-9]|[4-9]\d|1\d\d)|/(?:64|128)\b)"
)
NFT = line(
    r"#!.*\bnft\b|table\s+((ip|ip6|inet|arp|bridge|netdev)\s+)?\S+\s*\{|(add|create)\s+(table|chain|rule)\s"
)
COMMAND = line(
    r"#!.*sh\b|(sudo\s+)?(\S*/)?(ip6?tables(-nft|-legacy)?(-restore)?|nft|sysctl)\s"
    r"|\$\{?\w*(IPT|IP6T|NFT|iptables|ipt)\w*\}?[\"']?\s"
)
SYSCTL_CALL = r"(?:sudo\s+)?(?:\S*/)?sysctl\s"
TO_PROC = r"(?:echo|printf)\s[^;&|]*(?:>|\|\s*(?:sudo\s+)?tee\b.*)\s*/proc/sys/"
SETS = line(rf"{SYSCTL_CALL}|{TO_PROC}")
# Nothing else, so that it can be read without being run; `set -e` would end it in the middle.
SETS_ALONE = all_lines(rf"{SYSCTL_CALL}(?!.*[$`])|{TO_PROC}(?!.*[$`])|#|exit\b|modprobe\s|set \+|$")
IN_YAML = r"(?:-\s+|.*[{,]\s*)?"
DOCKER_RUN = line(r"(?:.*\s)?(?:docker|podman|nerdctl)\s(?:.*\s)?(?:run|create)\b")
RULES_CALL = line(r"(?:.*\s)?(?:\S*/)?(?:ip6?tables|nft)\S*\s")
RULE_LINE = line(r"-[AI] [A-Za-z0-9_.-]+ ")

FOREIGN: Sequence[Foreign] = (
    Foreign("nft's list of rules that iptables-nft made", line(r".*(\bxt (match|target) \"|@connlimit\d)"),
            "iptables-save, which prints them so that they can be loaded"),
    Foreign("firewalld's zone", line(r"<(\?xml|zone|service|ipset|direct|policy)\b"),
            "nft list ruleset, of the host that firewalld runs on"),
    Foreign("ferm's rules",
            every(line(r"(domain|table|chain)\b.*[({]"), line(r".*\b(proto|policy|mod)\b.*;"), no(NFT)),
            "ferm --noexec --lines FILE, then its iptables-save text"),
    Foreign("Shorewall's rules", line(r"\??(SECTION (NEW|ALL|ESTABLISHED)|#?ACTION\s+SOURCE)"),
            "shorewall safe-start; iptables-save"),
    Foreign("csf's settings", line(r"(TCP_IN|CONNLIMIT|CT_LIMIT|PORTFLOOD)\s*="),
            "iptables-save, of the host that csf runs on"),
    Foreign("ipset's list", line(r"(create|add) \S+ (hash|bitmap|list):?\S* "),
            "nft rules with a set, or iptables-save beside a script with these commands"),
)  # fmt: skip

FORMS: Sequence[Form] = (
    Form("ip6tables-save", "rules", every(TABLE, IPV6_WORDS)),
    Form("iptables-save", "rules", TABLE),
    Form("nft", "rules", NFT),
    Form("kubernetes", "sysctls", every(line(rf"{IN_YAML}securityContext:"), line(rf"{IN_YAML}sysctls:"))),
    Form("compose", "sysctls", line(rf"{IN_YAML}sysctls:")),
    Form("docker-run", "sysctls", every(DOCKER_RUN, line(r".*--sysctl\b"), no(RULES_CALL))),
    Form("sysctl-commands", "sysctls", every(SETS, SETS_ALONE)),
    Form("shell", "script", COMMAND),
    Form("sysctl", "sysctls", line(r"-?\s*(net|kernel|vm|fs|dev|user|abi|sunrpc|crypto)[./][^\s=]+\s*=")),
    Form("ufw", "rules", RULE_LINE),
)  # fmt: skip
READERS = {form.name: form.reader for form in FORMS}


def recognise(path: str, data: bytes, reader: str = "") -> Input:
    """Find out what a file is.

    Raises `Usage` for what is empty, binary, too large, of no known form, for another reader than the one that is asked
    for, or what a generator reads.
    """
    what = "standard input" if path == "-" else path
    if len(data) > LARGEST:
        raise Usage(
            f"{what} has {len(data):,} bytes",
            f"rules of more than {LARGEST:,} are not tried",
            next_step="bring the part that concerns these ports",
        )
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Usage(
            f"{what} is no text", f"byte {error.start} is not UTF-8", next_step=f"bring {FORMS_READ}"
        ) from None
    if "\0" in text:
        raise Usage(f"{what} is no text", "it has a byte of value 0", next_step=f"bring {FORMS_READ}")
    said = "\n".join(
        each for each in text.splitlines() if not each.lstrip().startswith("#") or each.startswith("#!")
    )
    if not said.strip():
        raise Usage(
            f"{what} says nothing", "it is empty, or has comments alone", next_step=f"bring {FORMS_READ}"
        )
    for foreign in FOREIGN:
        if foreign.known_by(said):
            raise Usage(
                f"{what} is {foreign.name}",
                "no kernel loads that as it is",
                next_step=f"bring the output of: {foreign.bring}",
            )
    for form in FORMS:
        if form.known_by(said):
            if reader not in ("", form.reader):
                raise Usage(f"{what} has no kernel settings, it is {form.name}", next_step=f"lab try {path}")
            return Input(path, form.name, text)
    raise Usage(f"{what} is of no form that is known here", next_step=f"bring {FORMS_READ}")
