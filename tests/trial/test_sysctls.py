"""Kernel settings as people bring them: what a line really does in a container, and what it does to clients."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connlab.trial.answer import record as trial_record
from tests.support.in_process import call_lab
from tests.support.variations import then_variations

pytestmark = pytest.mark.usefixtures("shared_sandboxes")
CONF = """# copied from a blog
net.ipv4.tcp_tw_recycle = 1
net.ipv4.tcp_tw_reuse=1
net.ipv4.tcp_timestamps = 0
net.ipv4.tcp_fin_timeout=15
net.ipv4.tcp_fin_timeout=30
net.core.somaxconn = 65535
net.core.netdev_max_backlog = 250000
net.ipv4.ip_local_port_range = 1024    65000
net.ipv4.netfilter.ip_conntrack_max = 655360
net.netfilter.nf_conntrack_max=655360
net/ipv4/tcp_max_syn_backlog=1024
-net.ipv4.tcp_no_such_key=1
vm.swappiness = 10
net.ipv4.tcp_syncookies = yes
net.ipv4.tcp_syn_retries 3
net.ipv4.tcp_sack = 0
net.ipv4.tcp_sack = 1
kernel.pid_max = 5000
"""
COMPOSE_LIST = """services:
  app:
    image: example
    sysctls:
      - net.core.somaxconn=4096
      - net.core.netdev_max_backlog=4096
      - net.ipv4.tcp_tw_reuse=1
"""
COMPOSE_MAP = """services:
  app:
    image: example
    sysctls:
      net.ipv4.tcp_tw_reuse: 1
      net.ipv4.tcp_max_syn_backlog: 512
      net.ipv4.ip_local_port_range: 1024 65535
"""
FILES = {
    "copied.conf": CONF,
    "alone.conf": "net.netfilter.nf_conntrack_max=655360\n",
    "fine.conf": "; all of it can be\n\nnet.ipv4.tcp_fin_timeout = 61\nnet/ipv4/conf/eth7/rp_filter=0\n"
    "kernel.shmmax=68719476736\n"
    "net.ipv4.ip_forward=0\n",
    "list.yaml": COMPOSE_LIST + "      - net.ipv4.tcp_retries2 = 9\n",
    "two.yaml": COMPOSE_LIST + "  other:\n    sysctls: {vm.max_map_count: 262144, net.ipv4.tcp_syncookies: maybe}\n"
    "  third:\n    sysctls: [net.ipv4.tcp_retries2=8]\n",
    "map.yaml": COMPOSE_MAP,
    "pod.yaml": 'apiVersion: v1\nkind: Pod\nspec:\n  securityContext:\n    sysctls:\n    - name: net.core.somaxconn\n'
    '      value: "1024"\n',
    "run.txt": "docker run --sysctl net.ipv4.tcp_mem='1 2 3' --sysctl net.core.somaxconn=9000 nginx\n",
    "tune.sh": "#!/bin/sh\nsudo sysctl -w net.core.somaxconn=x net.ipv4.tcp_synack_retries=3\n"
    "echo 1 > /proc/sys/net/ipv4/tcp_abort_on_overflow\n",
    "fails.sh": "sysctl -w net.core.somaxconn=9000\necho 9 9 > /proc/sys/net/ipv4/tcp_no_such_key\n",
}  # fmt: skip
RULES = """*filter
-A INPUT -p tcp --dport 8081 --syn -m connlimit --connlimit-above 5 -j REJECT
COMMIT
"""
FEW = ("--dials", "4", "--patience", "1")  # where nobody looks at dials
Tried = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """Try a file of FILES, each once; `exit` is the command's."""
    folder = tmp_path_factory.mktemp("sysctls")
    answers: dict[str, dict[str, Any]] = {}

    def answer(name: str) -> dict[str, Any]:
        if name not in answers:
            (folder / name).write_text(FILES[name])
            done = call_lab("try", str(folder / name), *FEW, "--json")
            answers[name] = {**json.loads(done.stdout), "exit": done.returncode}
        return answers[name]

    return answer


def verdicts(answer: dict[str, Any]) -> dict[int, list[str]]:
    return {entry["line"]: entry["verdict"] for entry in answer["sysctls"]}


def values(answer: dict[str, Any], line: int) -> list[str | None]:
    return next(
        [each["asked"], each["before"], each["after"]] for each in answer["sysctls"] if each["line"] == line
    )


def loaded(answer: dict[str, Any]) -> tuple[object, int, int]:
    """Return whether the file loaded, the exit status of its tool, and the command's."""
    return answer["files"][0]["loaded"], answer["files"][0]["exit"], answer["exit"]


def messages(answer: dict[str, Any]) -> dict[int, str]:
    return {message["line"]: message["text"] for message in answer["files"][0]["messages"]}


def test_a_file_that_is_copied_everywhere(tried):
    """Each kind of line: what a container does not have, what is the machine's, what the kernel refuses."""
    answer = tried("copied.conf")
    assert verdicts(answer) == {
        2: ["absent"], 3: ["cancelled", "other-side"], 4: ["applied"], 5: ["overridden"], 6: ["applied"],
        7: ["only-if-asked", "applied"], 8: ["not-in-container"], 9: ["other-side", "applied"], 10: ["absent"],
        11: ["machine-wide"], 12: ["lower-than-default", "applied"], 13: ["absent"], 14: ["machine-wide"],
        15: ["invalid"], 16: ["invalid"], 17: ["overridden"], 18: ["applied"], 19: ["privileged-only"],
    }  # fmt: skip
    assert loaded(answer) == ("partly", 1, 1)
    assert values(answer, 3) == ["1", "2", "1"]
    assert values(answer, 9) == ["1024 65000", "32768 60999", "1024 65000"]
    assert values(answer, 8) == ["250000", None, None]


def test_the_words_of_sysctl_at_their_lines(tried):
    """The hyphen that systemd-sysctl takes for "ignore errors" means nothing to procps; what is set is not told."""
    told = messages(tried("copied.conf"))
    assert sorted(told) == [2, 8, 10, 11, 13, 14, 15, 16, 19]
    assert "copied.conf(16): invalid syntax" in told[16]
    assert told[2] == "sysctl: cannot stat /proc/sys/net/ipv4/tcp_tw_recycle: No such file or directory"
    assert told[13] == "sysctl: cannot stat /proc/sys/net/ipv4/tcp_no_such_key: No such file or directory"
    assert told[15] == 'sysctl: setting key "net.ipv4.tcp_syncookies": Invalid argument'


def test_verdicts_are_findings_too(tried):
    """With file and line, and no port; `applied` is none."""
    found = tried("copied.conf")["findings"]
    assert {(each["id"], each["line"]) for each in found} >= {
        ("absent", 2),
        ("cancelled", 3),
        ("invalid", 15),
    }
    assert {each["port"] for each in found} == {None}
    assert "applied" not in {each["id"] for each in found}


@pytest.mark.variation
def test_a_limit_of_the_whole_machine(tried):
    """sysctl(8) ends with 0, and nothing was set."""
    answer = tried("alone.conf")
    assert loaded(answer) == (False, 0, 1)
    assert verdicts(answer) == {1: ["machine-wide"]}
    asked, before, after = values(answer, 1)
    assert before == after != asked


@pytest.mark.variation
def test_a_file_of_which_all_can_be_set(tried):
    """Also for an interface that is not there, for System V's IPC, and where root needs a capability (ip_forward)."""
    answer = tried("fine.conf")
    assert loaded(answer) == (True, 0, 0)
    assert verdicts(answer) == {
        3: ["applied"], 4: ["already-so"], 5: ["lower-than-default", "applied"], 6: ["applied"],
    }  # fmt: skip
    assert values(answer, 5) == ["68719476736", "18446744073692774399", "68719476736"]
    assert messages(answer) == {}


@pytest.mark.variation
def test_a_container_that_does_not_start(tried):
    """Two lines are to blame, one for a blank in its key; the others are tried without them."""
    answer = tried("list.yaml")
    assert loaded(answer) == (False, 1, 1)
    assert verdicts(answer) == {
        5: ["already-so", "only-if-asked"], 6: ["not-in-container"], 7: ["other-side", "applied"],
        8: ["invalid"],
    }  # fmt: skip
    assert list(messages(answer)) == [6, 8]
    assert "net/core/netdev_max_backlog" in messages(answer)[6]
    assert all(entry["text"].endswith("does not start, for lines 6, 8") for entry in answer["sysctls"])


@pytest.mark.variation
def test_each_service_is_a_container_of_its_own(tried):
    """Two do not start, one for two lines; one does."""
    answer = tried("two.yaml")
    assert loaded(answer) == ("partly", 1, 1)
    assert list(messages(answer)) == [6, 9]
    assert [(each["key"], each["verdict"]) for each in answer["sysctls"] if each["line"] > 7] == [
        ("vm.max_map_count", ["machine-wide"]), ("net.ipv4.tcp_syncookies", ["invalid"]),
        ("net.ipv4.tcp_retries2", ["applied"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "lines"),
    then_variations(
        ("map.yaml", {5: ["other-side", "applied"], 6: ["lower-than-default", "applied"],
                      7: ["other-side", "applied"]}),
        ("pod.yaml", {6: ["lower-than-default", "only-if-asked", "applied"]}),
    ),
)  # fmt: skip
def test_a_container_that_starts(tried, name, lines):
    answer = tried(name)
    assert loaded(answer) == (True, 0, 0)
    assert verdicts(answer) == lines


@pytest.mark.variation
def test_docker_run(tried):
    answer = tried("run.txt")
    assert loaded(answer) == (False, 1, 1)
    assert [each["verdict"] for each in answer["sysctls"]] == [
        ["not-in-container"],
        ["only-if-asked", "applied"],
    ]


@pytest.mark.variation
@pytest.mark.parametrize(
    ("name", "status", "lines"),
    [
        ("tune.sh", 0, [["invalid"], ["applied"], ["applied"]]),
        ("fails.sh", 1, [["only-if-asked", "applied"], ["absent"]]),
    ],
)  # fmt: skip
def test_a_script_ends_with_the_status_of_its_last_command(tried, name, status, lines):
    """And what went wrong before is told all the same."""
    answer = tried(name)
    assert loaded(answer) == ("partly", status, 1)
    assert [each["verdict"] for each in answer["sysctls"]] == lines


IN_FORCE = """net.ipv4.icmp_ratelimit = 0
net.ipv6.conf.default.disable_ipv6 = 1
net.ipv4.ip_local_port_range = 8081 8081
net.core.somaxconn = x
"""


@pytest.mark.variation
@pytest.mark.xdist_group("settings in force")
def test_rules_are_dialled_with_the_settings_in_force(tmp_path):
    """REJECT's ICMP answers are rationed (O09), and with a setting they are not; a bad line is no matter.

    What is set for interfaces that come later is so for the host's; its own dials find no port, which ends no trial.
    """
    (tmp_path / "a.rules").write_text(RULES)
    (tmp_path / "a.conf").write_text(IN_FORCE)
    tried = ("try", str(tmp_path / "a.rules"), "--dials", "16", "--patience", "1", "--json")
    with_it = call_lab(*tried, "--sysctl", str(tmp_path / "a.conf"))
    without = call_lab(*tried)
    rows = [json.loads(done.stdout)["ports"][:2] for done in (with_it, without)]
    assert [[(row["port"], row["family"], row["pattern"]) for row in two] for two in rows] == [
        [(8081, 4, "E5 R10"), (8081, 6, "T10")], [(8081, 4, "E5 R6 T4"), (8081, 6, "E16")],
    ]  # fmt: skip
    assert [each["loaded"] for each in json.loads(with_it.stdout)["files"]] == [True, "partly"]
    assert (with_it.returncode, without.returncode) == (1, 0)


SCRIPT = """#!/bin/bash
RATE=0
limit() { iptables -A INPUT -p tcp --dport "$1" --syn -m connlimit --connlimit-above 5 -j REJECT; }
sysctl -w net.ipv4.icmp_ratelimit=$RATE
for key in somaxconn netdev_max_backlog; do
    sysctl -q -w net.core.$key=9000
done
if false; then
    echo 0 > /proc/sys/net/ipv4/tcp_sack
fi
echo 1 > /proc/sys/net/ipv4/tcp_abort_on_overflow
echo x > /proc/sys/net/ipv4/tcp_syncookies
limit 8081
cat > /etc/sysctl.d/99-limits.conf <<END
# kept
net.ipv4.tcp_fin_timeout = $((10 + 5))
net.ipv4.tcp_tw_recycle = 1
END
sysctl --system
echo "net.ipv4.tcp_synack_retries = 3" >> /etc/sysctl.conf
sysctl -p
iptables-save > /etc/iptables/rules.v4
"""


@pytest.mark.xdist_group("settings of a script")
def test_what_a_script_sets(tmp_path):
    """What a shell has to work out, each call with its line, and nothing else; rules are dialled so."""
    (tmp_path / "a.sh").write_text(SCRIPT)
    done = call_lab("try", str(tmp_path / "a.sh"), "--dials", "16", "--patience", "1", "--json")
    answer = json.loads(done.stdout)
    assert [(each["line"], each["key"], each["verdict"]) for each in answer["sysctls"]] == [
        (4, "net.ipv4.icmp_ratelimit", ["applied"]), (6, "net.core.somaxconn", ["only-if-asked", "applied"]),
        (6, "net.core.netdev_max_backlog", ["not-in-container"]),
        (16, "net.ipv4.tcp_fin_timeout", ["applied"]), (17, "net.ipv4.tcp_tw_recycle", ["absent"]),
        (20, "net.ipv4.tcp_synack_retries", ["applied"]),
        (11, "net.ipv4.tcp_abort_on_overflow", ["applied"]), (12, "net.ipv4.tcp_syncookies", ["invalid"]),
    ]  # fmt: skip
    assert [(file["form"], file["exit"], file["loaded"]) for file in answer["files"]] == [
        ("shell", 0, "partly")
    ]
    assert {6, 12, 17} <= {message["line"] for message in answer["files"][0]["messages"]}
    assert answer["ports"][0]["pattern"] == "E5 R10"
    # Before a server listens: its backlog is bounded by what is there then (B02).
    evidence = trial_record.exchanges(Path(done.stderr.rpartition("evidence: ")[2].strip()))
    given = [each["request"]["sysctls"] for each in evidence if each["request"]["do"] == "scenario"]
    assert {each.get("net/core/somaxconn") for each in given} == {"9000"}


def test_nothing_to_try_is_bad_usage():
    done = call_lab("try")
    assert done.returncode == 2
    assert "there is nothing to try" in done.stderr
