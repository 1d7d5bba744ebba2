"""The policy: from the file to the kernel and back, and the refusal to listen without it."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from connlab.machine import files
from server import firewall, settings
from tests.support import menu
from tests.support.files_variable import files_variable
from tests.support.processes import run_program, write_program

HOME = Path(__file__).parents[3]
DATA = Path(__file__).parents[1] / "data"
MENU = menu.MENU | files_variable()
ARTICLE = (
    "-A INPUT -p tcp -m tcp --dport 12345 --tcp-flags FIN,SYN,RST,ACK SYN -m connlimit --connlimit-above 15 "
    "--connlimit-mask 32 --connlimit-saddr -j REJECT --reject-with tcp-reset"
)


@pytest.fixture
def server_settings():
    return settings.read(MENU)


@pytest.fixture
def policy_file(server_settings, tmp_path, monkeypatch):
    """Make a folder of policies of one's own; returns the path of `connlimit`."""
    (tmp_path / "firewall").mkdir()
    monkeypatch.setattr(files, "HOME", tmp_path)
    return tmp_path / "firewall/connlimit.rules"


def test_the_article_s_rule_is_shipped_to_the_letter(server_settings):
    """Rendered with the menu's numbers, the rule is there once, and is the only one that refuses."""
    lines = firewall.render(server_settings).splitlines()
    assert lines.count(ARTICLE) == 1
    assert [line for line in lines if "-j REJECT" in line] == [ARTICLE]


def test_port_and_limit_are_filled_in(server_settings):
    """Other numbers make another rule, nowhere the old ones."""
    text = firewall.render(server_settings._replace(port=8080, connlimit=3))
    assert ARTICLE.replace("12345", "8080").replace("15", "3") in text.splitlines()
    assert not re.search(r"12345|\$\{", "\n".join(firewall.statements(text)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-A INPUT -s ${SUBNET} -j DROP\n", r"variable 'SUBNET' is not one of \$\{PORT\}, \$\{CONNLIMIT\}"),
        ("# costs 5$ a rule\n", r"line 1, col 10; write a dollar sign as \$\$"),
    ],
)
def test_a_variable_that_is_none_is_refused(policy_file, server_settings, text, words):
    """A typing error in a policy is told, not loaded."""
    policy_file.write_text(text)
    with pytest.raises(firewall.PolicyError, match=words):
        firewall.render(server_settings)


def test_a_doubled_dollar_is_one(policy_file, server_settings):
    """As the message says."""
    policy_file.write_text("# 5$$ for ${PORT}\n")
    assert firewall.render(server_settings) == "# 5$ for 12345\n"


def test_a_policy_of_one_s_own_is_loaded_as_it_came(server_settings, monkeypatch):
    """The lab has read it back from a kernel: a dollar sign in it is one."""
    given = {
        "own/policy.rules": "*filter\n-A INPUT -m comment --comment $5 -j DROP\nCOMMIT\n",
        "own/policy.nft": "table ip x {}",
    }
    monkeypatch.setenv(files.VARIABLE, json.dumps(given))
    own = server_settings._replace(firewall="/home/me/own.sh")
    assert firewall.render(own) == given["own/policy.rules"]
    assert firewall.native_text(own) == given["own/policy.nft"]
    assert firewall.native_text(server_settings) == ""


def test_statements_are_what_file_and_kernel_share(server_settings):
    """The shipped file says just what iptables-save printed once it was loaded (a real 6.18 kernel)."""
    lines = firewall.statements(firewall.render(server_settings))
    assert lines == firewall.statements((DATA / "iptables-save.txt").read_text())
    assert lines[:4] == ["*filter", ":INPUT ACCEPT", ":FORWARD ACCEPT", ":OUTPUT ACCEPT"]
    assert len(lines) == 6


def test_statements_keep_every_difference_that_counts():
    """Comments, blanks, COMMIT and counters go; the order, a policy and a rule stay."""
    text = "# c\n\n*filter\n :INPUT DROP [12:34]\n-A INPUT -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n"
    assert firewall.statements(text) == ["*filter", ":INPUT DROP", "-A INPUT -j ACCEPT", "-A INPUT -j DROP"]


def test_the_nflog_group_is_the_shipped_policy_s(server_settings):
    """The server reads the reports of the group that its own rule writes to."""
    assert firewall.nflog_group(firewall.render(server_settings)) == 5


@pytest.mark.parametrize(
    "text",
    [
        "-A INPUT -j DROP",
        "# -A OUTPUT -p tcp -j NFLOG --nflog-group 7",
        "-A INPUT -j LOG",
        '-A OUTPUT -p tcp -m comment --comment "no -j NFLOG --nflog-group 7" -j ACCEPT',
    ],
)
def test_a_policy_that_reports_nothing_has_no_group(text):
    """A comment is no rule, nor is a rule's."""
    assert firewall.nflog_group("") is None
    assert firewall.nflog_group(f"*filter\n{text}\nCOMMIT\n") is None


def test_a_policy_in_which_nothing_refuses_is_refused(tmp_path):
    """The port would be open without a limit. The kernel's tool is asked first, so a bad file is its to explain."""
    for text in ("", "# -j REJECT\n", "*filter\n-A INPUT -p tcp -m tcp --dport 443 -j REJECT\nCOMMIT\n"):
        environment = kernel(tmp_path, "", f"echo $1 >> {tmp_path}/asked; cat > /dev/null")
        status, event = check(with_policy(environment, "connlimit", text))
        assert (status, event["event"]) == (1, "policy_failed")
        assert (
            "no rule and no chain policy of connlimit refuses anything on the way to port 12345"
            in event["error"]
        )
        assert "FIREWALL=none" in event["error"]
    assert set((tmp_path / "asked").read_text().split()) == {"--test"}, "something was applied"


def test_no_limit_is_allowed_where_it_is_meant(tmp_path):
    """FIREWALL=none is applied like any other policy, and tells no number."""
    saved = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    status, event = check({**kernel(tmp_path, saved), "FIREWALL": "none"})
    assert (status, event["event"], event["limit"], event["rules"]) == (0, "policy_applied", None, 0)


def kernel(folder: Path, answer: str, restore: str = "cat > /dev/null") -> dict[str, str]:
    """Return an environment whose iptables tools say `answer`: the kernel's part is played by a shell script."""
    (folder / "kernel").write_text(answer)
    scripts = {
        "iptables-restore": restore,
        "iptables-save": f"cat {folder}/kernel",
        "iptables": "echo 'iptables v1.8.11 (nf_tables)'",
        "setpriv": f"touch {folder}/listened",
    }
    for name, script in scripts.items():
        write_program(folder / name, script)
    return {**MENU, "PATH": f"{folder}:{os.environ['PATH']}", "FIREWALL": "connlimit", "SYSCTL": "stock"}


def check(environment: dict[str, str]) -> tuple[int, dict[str, object]]:
    """Run `python3 -m server check`; returns its exit status and last event.

    The shipped policy subscribes to NFLOG first, which needs privileges, so the subscription is left out here.
    """
    script = "import sys; from server import __main__ as m, firewall; firewall.nflog_group = lambda _: None\n"
    script += "sys.exit(m.main(['check']))"
    result = run_program([sys.executable, "-c", script], env=environment)
    assert result.stdout, result.stderr
    return result.returncode, json.loads(result.stdout.splitlines()[-1])


def with_policy(environment: dict[str, str], name: str, text: str) -> dict[str, str]:
    """Return the same environment with this policy."""
    contents = json.loads(environment[files.VARIABLE]) | {f"firewall/{name}.rules": text}
    return {**environment, files.VARIABLE: json.dumps(contents), "FIREWALL": name}


def test_a_kernel_that_has_the_rules_is_believed(tmp_path):
    """The control of the three below: `policy_applied`, with the number of rules."""
    status, event = check(kernel(tmp_path, (DATA / "iptables-save.txt").read_text()))
    assert (status, event["event"]) == (0, "policy_applied")
    assert (event["rules"], event["port"], event["limit"], event["backend"]) == (2, 12345, 15, "nf_tables")


def test_a_rule_that_reads_back_differently_is_a_refusal(tmp_path):
    """A limit of 16 in the kernel is not the limit of 15 in the file: both are shown."""
    saved = (DATA / "iptables-save.txt").read_text().replace("above 15", "above 16")
    status, event = check(kernel(tmp_path, saved))
    assert (status, event["event"]) == (1, "policy_failed")
    assert f"written: {ARTICLE}" in event["error"]
    assert f"present: {ARTICLE.replace('above 15', 'above 16')}" in event["error"]


def test_an_empty_kernel_is_a_refusal(tmp_path):
    """Rules that were written and are not there."""
    status, event = check(kernel(tmp_path, ""))
    assert (status, event["event"]) == (1, "policy_failed")


def test_the_tool_s_own_words_are_passed_on(tmp_path):
    """What iptables-restore says is what the user reads."""
    status, event = check(kernel(tmp_path, "", "echo 'line 7 failed' >&2; exit 2"))
    assert (status, event["event"]) == (1, "policy_failed")
    assert event["error"] == "iptables-restore: exit status 2: line 7 failed"


def test_without_its_policy_the_server_never_starts(tmp_path):
    """PID 1 itself, on a machine where the rules do not load: it ends without becoming the server."""
    result = run_program([sys.executable, "-m", "server"], env=kernel(tmp_path, "", "exit 4"))
    assert result.returncode == 1
    assert '"policy_failed"' in result.stdout.splitlines()[-1]
    assert not (tmp_path / "listened").exists()
