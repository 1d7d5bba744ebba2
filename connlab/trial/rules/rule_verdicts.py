"""What a rule does with what it matches: its verdict, where it sends packets, how it refuses."""

from __future__ import annotations

import re

from connlab.trial.rules.ruleset import QUOTED

TARGET = re.compile(r" (?:-j|--jump|-g|--goto) (\S+)")
PASSING = {"LOG", "NFLOG", "ULOG", "AUDIT", "MARK", "CONNMARK", "TOS", "DSCP", "TCPMSS", "SET", "TRACE", "CT",
           "NOTRACK", "CLASSIFY", "TTL", "HL", "ECN", "SECMARK", "CONNSECMARK", "RATEEST", "CHECKSUM", "TEE",
           "IDLETIMER"}  # fmt: skip
VERDICTS = {"ACCEPT": "accept", "DNAT": "accept", "REDIRECT": "accept", "QUEUE": "accept", "NFQUEUE": "accept",
            "SNAT": "accept", "MASQUERADE": "accept", "NETMAP": "accept", "TPROXY": "accept", "SYNPROXY": "accept",
            "DROP": "refuse", "REJECT": "refuse", "TARPIT": "refuse", "RETURN": "return"}  # fmt: skip
NFT_VERDICT = re.compile(r"\b(accept|drop|reject|return|queue|(?:jump|goto) \S+)\b")
DIVERTING = {
    "RETURN",
    "MARK",
    "CONNMARK",
    "TOS",
    "DSCP",
    "CT",
    "NOTRACK",
    "TTL",
    "HL",
    "SECMARK",
    "CONNSECMARK",
}
DIVERTS = re.compile(r"\bgoto\b|\bnotrack\b|\b(?:mark|dscp|priority|ttl|hoplimit|zone|helper) set\b")
RESET = re.compile(r"--reject-with tcp-reset|\breject with tcp reset|-j TARPIT\b")
REJECTS = re.compile(r"-j REJECT\b|\breject\b")
ANSWERS = re.compile(r"-j SYNPROXY\b|\bsynproxy (?:mss|name|wscale)\b")
UNTRACKS = re.compile(r"-j NOTRACK\b|-j CT\b.*--notrack\b|\bnotrack\b")
VERDICT_MAP = re.compile(r"\bvmap \{([^}]*)\}")


def verdict(text: str) -> str:
    """Return what a rule decides: accept, refuse, return, `jump NAME`; nothing for one that lets packets go on."""
    plain = QUOTED.sub('""', text)
    if text.startswith("-A "):
        match = TARGET.search(plain)
        target = str(match[1]) if match else ""
        return "" if target in PASSING else VERDICTS.get(target, f"jump {target}" if target else "")
    found = NFT_VERDICT.findall(re.sub(r"\{[^}]*\}", "{}", plain))
    word = str(found[-1]).replace("goto ", "jump ") if found else ""
    return VERDICTS.get(word.upper(), word)


def resets(text: str) -> bool:
    """Tell whether a rule refuses with a reset."""
    return RESET.search(QUOTED.sub('""', text)) is not None


def rejects(text: str) -> bool:
    """Tell whether a rule refuses with an answer, an ICMP error or a reset; to a trace it drops the packet."""
    return REJECTS.search(QUOTED.sub('""', text)) is not None


def answers(text: str) -> bool:
    """Tell whether a rule answers a SYN in the place of the server: it drops it, and who sent it is in."""
    return ANSWERS.search(QUOTED.sub('""', text)) is not None


def untracks(text: str) -> bool:
    """Tell whether conntrack takes no notice of what a rule matches."""
    return UNTRACKS.search(QUOTED.sub('""', text)) is not None


def diverts(text: str) -> bool:
    """Tell whether packets that match go elsewhere, or on as others: they are marked, or not tracked."""
    plain = QUOTED.sub('""', text)
    if not text.startswith("-A "):
        return verdict(text) == "return" or DIVERTS.search(plain) is not None
    target = TARGET.search(plain)
    return target is not None and (target[0].strip().startswith(("-g", "--goto")) or target[1] in DIVERTING)


def jumps(text: str) -> list[str]:
    """Return the chains that a rule may send a packet to; a map of verdicts has several."""
    plain = QUOTED.sub('""', text)
    if text.startswith("-A "):
        return [name for name in TARGET.findall(plain) if name not in PASSING | {*VERDICTS}]
    return re.findall(r"\b(?:jump|goto) ([^\s,}]+)", plain)


def leading_to(text: str, chain: str) -> str:
    """Return a rule with those elements alone of its map of verdicts that lead to a chain."""
    leads = re.compile(rf": (?:jump|goto) {re.escape(chain)}\s*$")

    def elements(match: re.Match[str]) -> str:
        return f"vmap {{ {', '.join(each.strip() for each in match[1].split(',') if leads.search(each))} }}"

    return VERDICT_MAP.sub(elements, text)
