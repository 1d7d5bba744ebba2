"""The placeholders of the lab's own policies, and the expectations beside each policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from connlab.base.settings import HOME
from connlab.trial.expected import files as expectation_files
from connlab.trial.files import forms, placeholders
from connlab.trial.files.forms import Input

KNOBS = {"PORT": "443", "CONNLIMIT": "7"}
POLICIES = sorted(
    path for path in HOME.glob("firewall/*") if not path.name.endswith(expectation_files.BESIDE)
)


def test_rules_are_filled_in_and_nothing_else_of_them():
    """Both names, as often as they come; other dollar signs are somebody else's."""
    rules = "define lan = eth0\niif $lan tcp dport ${PORT} ct count over ${CONNLIMIT} drop # ${PORT} $PORT ${OTHER} $$"
    filled = placeholders.filled(Input("a", "nft", rules), KNOBS).text
    assert filled == "define lan = eth0\niif $lan tcp dport 443 ct count over 7 drop # 443 $PORT ${OTHER} $$"


def test_a_script_keeps_what_its_shell_expands():
    """There `${PORT}` is the script's own."""
    script = Input("a", "shell", "PORT=22\niptables -A INPUT -p tcp --dport ${PORT} -j DROP\n")
    assert placeholders.filled(script, KNOBS) == script


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_each_policy_has_expectations_of_the_port_beside_it(policy: Path):
    """They can be read, and the policy is of a form that is tried, without a placeholder that is none."""
    expected = expectation_files.read_file(expectation_files.beside(policy), KNOBS)
    assert 443 in [each.fields.get("port") for each in expected]
    brought = placeholders.filled(forms.recognise(str(policy), policy.read_bytes()), KNOBS)
    rules = [line for line in brought.text.splitlines() if not line.startswith("#")]
    assert "$" not in "\n".join(rules)


def test_nothing_is_expected_of_a_policy_that_is_not_there():
    """A file of expectations without its policy."""
    beside = {expectation_files.beside(policy) for policy in POLICIES}
    assert set(HOME.glob(f"firewall/*{expectation_files.BESIDE}")) == beside
