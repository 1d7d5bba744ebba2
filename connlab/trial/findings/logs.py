"""Rules that log."""

from __future__ import annotations

from collections.abc import Iterator

from connlab.trial.findings.evidence import Evidence, Finding, Kind
from connlab.trial.rules import rule_text


def log_only(evidence: Evidence) -> Iterator[Finding]:
    """Find limits that write a log about those whom they count, and let them in."""
    logging = [rule for rule in evidence.limiting if rule_text.only_logs(rule.text)]
    for rule in logging:
        for tried in evidence.tried:
            first = tried.first_match.get(rule.place)
            if first is not None and tried.dials[first].letter == "E":
                whose = evidence.about(tried)
                yield Finding(
                    f"{whose}: from connection {first + 1} on this rule writes a log, and refuses nobody",
                    tried, evidence.line(rule.place), rule.text,
                )  # fmt: skip
                break


def log_silent(evidence: Evidence) -> Iterator[Finding]:
    """Find rules that log to the kernel, which writes nothing for the network namespace of a container."""
    for rule in evidence.loaded.ruleset.rules:
        matched = [
            tried for tried in evidence.tried
            if any(rule.place in dial.matched for seen in tried.seen.values() for dial in seen.dials)
        ]  # fmt: skip
        if matched and rule_text.writes_kernel_log(rule.text):
            yield Finding(
                "this rule matches, and in a container nothing is written: the kernel logs for network namespaces only "
                "if net.netfilter.nf_log_all_netns is 1 on its machine",
                matched[0], evidence.line(rule.place), rule.text,
            )  # fmt: skip
            return


KINDS = (
    Kind("log-only", "a rule that counts matched dials that got in, and did no more than log", log_only),
    Kind(
        "log-silent",
        "a LOG rule matched in a network namespace, for which the kernel writes no log (once for all rules)",
        log_silent,
    ),
)
