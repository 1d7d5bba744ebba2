"""Kernel settings are read from files of any form: the key, what is asked, and the line."""

from __future__ import annotations

import sys

import pytest

from connlab.base.errors import Usage
from connlab.trial.files import forms
from connlab.trial.sysctls import lines
from connlab.trial.sysctls import trial as sysctls
from connlab.trial.sysctls.lines import Brought, Setting

CONF = """# a comment
; another
net.ipv4.tcp_fin_timeout = 15

  net/ipv4/tcp_syncookies=1
-net.ipv4.ip_local_port_range\t=  1024 \t 65000
net.ipv4.conf.eth0/100.rp_filter = 0
net/ipv4/conf/eth0.100/rp_filter = 1
no value at all
"""
SCRIPT = """#!/bin/sh
# quick
sudo sysctl -w net.ipv4.tcp_tw_reuse=1 net.core.somaxconn=1024
/sbin/sysctl -q -w "net.ipv4.ip_local_port_range=1024 65000" && sysctl kernel.shmmax=1
sysctl -w \\
  net.ipv4.tcp_rmem='4096 87380 6291456'
echo 1 > /proc/sys/net/ipv4/tcp_abort_on_overflow
echo "5 6" | sudo tee /proc/sys/net/ipv4/tcp_retries2 > /dev/null
sysctl -p
"""
COMPOSE_LIST = """services:
  web:
    image: nginx
    sysctls:
      - net.core.somaxconn=1024
      - net.ipv4.ip_local_port_range=1024 65000
  db:
    sysctls: [net.ipv4.tcp_syncookies=0, nonsense]
"""
COMPOSE_MAP = """x-tuned: &tuned
  net.core.somaxconn: 1024
services:
  web:
    sysctls: {<<: *tuned, net.ipv4.tcp_fin_timeout: "${FIN:-15}"}
  db:
    network_mode: host
    sysctls:
      net.ipv4.tcp_syncookies: $COOKIES
      net.ipv4.tcp_retries2: 0x8
"""
MANIFEST = """apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      hostNetwork: true
      securityContext:
        sysctls:
        - name: net.core.somaxconn
          value: "1024"
---
apiVersion: v1
kind: Pod
spec:
  securityContext:
    sysctls:
    - {name: net.ipv4.tcp_syncookies, value: 1}
    - name: net.ipv4.tcp_fin_timeout
"""
DOCKER = """docker run -d --sysctl net.core.somaxconn=1024 \\
  --sysctl "net.ipv4.ip_local_port_range=1024 65000" \\
  --sysctl=net.ipv4.tcp_syncookies=0 nginx
sudo docker run --network=host --sysctl net.core.somaxconn=5 nginx
"""


def read(text: str) -> Brought:
    """Read a text, whose form is found by its content."""
    ((_, brought),) = sysctls.read([forms.recognise("a.txt", text.encode())])
    return brought


def told(settings: tuple[Setting, ...]) -> list[tuple[int, str, str]]:
    return [(each.line, each.key, each.asked) for each in settings]


def test_sysctl_conf():
    """Comments, blanks, slashes; a hyphen is no part of the key; a line without a value sets nothing."""
    (group,) = read(CONF).groups
    assert told(group.settings) == [
        (3, "net.ipv4.tcp_fin_timeout", "15"), (5, "net.ipv4.tcp_syncookies", "1"),
        (6, "net.ipv4.ip_local_port_range", "1024 65000"), (7, "net.ipv4.conf.eth0/100.rp_filter", "0"),
        (8, "net.ipv4.conf.eth0/100.rp_filter", "1"), (9, "", "value at all"),
    ]  # fmt: skip
    assert [each.ignored for each in group.settings] == [False, False, True, False, False, False]
    assert group.settings[4].written_path == "net/ipv4/conf/eth0.100/rp_filter"
    assert {each.path for each in group.settings[3:5]} == {"net/ipv4/conf/default/rp_filter"}
    assert group.settings[2].text == "-net.ipv4.ip_local_port_range\t=  1024 \t 65000\n"


def test_a_script_of_sysctl_commands():
    """Each word is a setting with a command of its own; what loads other files is said."""
    brought = read(SCRIPT)
    (group,) = brought.groups
    assert told(group.settings) == [
        (3, "net.ipv4.tcp_tw_reuse", "1"), (3, "net.core.somaxconn", "1024"),
        (4, "net.ipv4.ip_local_port_range", "1024 65000"), (4, "kernel.shmmax", "1"),
        (5, "net.ipv4.tcp_rmem", "4096 87380 6291456"), (7, "net.ipv4.tcp_abort_on_overflow", "1"),
        (8, "net.ipv4.tcp_retries2", "5 6"),
    ]  # fmt: skip
    assert group.settings[2].argv == ("sysctl", "-q", "-w", "net.ipv4.ip_local_port_range=1024 65000")
    assert [(each.line, each.left_out) for each in brought.remarks] == [(9, False)]


def test_what_is_without_an_equals_sign_is_told_all_the_same():
    """Words that are meant together are one line; with its command as it is."""
    (group,) = read("sysctl -w net.ipv4.tcp_tw_reuse 1 net.core.somaxconn=5\n").groups
    assert told(group.settings) == [(1, "net.ipv4.tcp_tw_reuse", "1"), (1, "net.core.somaxconn", "5")]
    assert [each.assigns for each in group.settings] == [False, True]
    assert group.settings[0].argv == ("sysctl", "-w", "net.ipv4.tcp_tw_reuse", "1")
    (group,) = read("net.core.somaxconn=5\nnet.ipv4.tcp_syn_retries 3\nsomaxconn = 7\n").groups
    assert [(each.key, each.written, each.assigns) for each in group.settings[1:]] == [
        ("net.ipv4.tcp_syn_retries", "", False), ("", "somaxconn", True),
    ]  # fmt: skip


def test_a_blank_is_a_part_of_the_key_to_an_engine():
    """In a list, in quotes, and of docker run; words on what is no key keep what is written."""
    listed = read("services:\n  a:\n    sysctls:\n      - net.core.somaxconn = 5\n      - no = key\n")
    quoted = read('services:\n  a:\n    sysctls: {"net.core.somaxconn ": 5}\n')
    by_docker = read("docker run --sysctl 'net.core.somaxconn = 5' nginx\n")
    for brought in (listed, quoted, by_docker):
        (setting,) = brought.groups[0].settings
        assert (setting.key, setting.written, setting.asked) == (
            "net.core.somaxconn",
            "net.core.somaxconn ",
            "5",
        )
    assert listed.remarks[0].text.endswith(": no = key")


def test_compose_lists_and_mappings():
    """A container for each service, with the lines of an anchor; what Compose would fill in is not guessed."""
    brought = read(COMPOSE_LIST)
    assert [(group.name, told(group.settings)) for group in brought.groups] == [
        ("service web", [(5, "net.core.somaxconn", "1024"), (6, "net.ipv4.ip_local_port_range", "1024 65000")]),
        ("service db", [(8, "net.ipv4.tcp_syncookies", "0")]),
    ]  # fmt: skip
    assert [(each.line, each.left_out) for each in brought.remarks] == [(8, True)]
    brought = read(COMPOSE_MAP)
    assert [(group.machine, told(group.settings)) for group in brought.groups] == [
        (False, [(2, "net.core.somaxconn", "1024"), (5, "net.ipv4.tcp_fin_timeout", "15")]),
        (True, [(10, "net.ipv4.tcp_retries2", "0x8")]),
    ]  # fmt: skip
    assert [(each.line, each.left_out) for each in brought.remarks] == [(5, False), (9, True)]


def test_kubernetes_manifests():
    """A container for each pod, of several documents; a value that is no text makes the API refuse all of it."""
    brought = read(MANIFEST)
    assert [(group.machine, told(group.settings)) for group in brought.groups] == [
        (True, [(9, "net.core.somaxconn", "1024")]), (False, [(17, "net.ipv4.tcp_syncookies", "1")]),
    ]  # fmt: skip
    assert [(each.line, each.refuses, each.left_out) for each in brought.remarks] == [
        (17, True, False), (18, False, True),
    ]  # fmt: skip


def test_docker_run():
    """A container for each command, with the line of each option."""
    brought = read(DOCKER)
    assert [(group.machine, told(group.settings)) for group in brought.groups] == [
        (False, [(1, "net.core.somaxconn", "1024"), (2, "net.ipv4.ip_local_port_range", "1024 65000"),
                 (3, "net.ipv4.tcp_syncookies", "0")]),
        (True, [(4, "net.core.somaxconn", "5")]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("sysctl -w net.core.somaxconn=5\n", "sysctl-commands"),
        ("sysctl -w net.core.somaxconn=$N\n", "shell"),
        ("set -e\nsysctl -w net.core.somaxconn=5\n", "shell"),
        ("iptables -F\nsysctl -w net.core.somaxconn=5\n", "shell"),
        ("iptables -F\ndocker run --sysctl net.core.somaxconn=5 nginx\n", "shell"),
        ("echo 1 > /proc/sys/net/ipv4/ip_forward\n", "sysctl-commands"),
        ("-net.core.somaxconn=5\n", "sysctl"),
        ("fs.file-max=5\n", "sysctl"),
        ("web:\n  sysctls:\n    net.core.somaxconn: 5\n", "compose"),
        ("spec:\n  securityContext:\n    sysctls: []\n", "kubernetes"),
    ],
)
def test_what_a_text_is(text, form):
    """By its content: what a shell has to work out is a script's, and is run."""
    assert forms.recognise("a.txt", text.encode()).form == form


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  a: {sysctls: [}\n",
        "sysctls: " + "[" * sys.getrecursionlimit(),
        "".join(f"net.core.x{number} = 1\n" for number in range(lines.MOST + 1)),
    ],
    ids=["not YAML", "too deep", "too many keys"],
)
def test_what_cannot_be_tried_is_refused(text):
    with pytest.raises(Usage):
        read(text)


def test_yaml_that_holds_itself_ends():
    """An anchor within itself, and a merge of itself."""
    assert read("a: &a\n  b: [*a]\n  securityContext: {sysctls: [*a]}\n").groups[0].settings == ()
    assert read("a: &a\n  <<: *a\n  sysctls: {net.core.somaxconn: 5}\n").groups[0].settings[0].asked == "5"


@pytest.mark.parametrize("key", ["net/../../self", "net..x", "/etc/passwd", "net.core.x\ny", "somaxconn", ""])
def test_what_is_no_key(key):
    """Nothing leads out of /proc/sys."""
    assert not lines.is_key(key)


def test_a_file_of_rules_is_none_of_settings():
    with pytest.raises(Usage, match="it is nft"):
        forms.recognise("a.nft", b"table inet f { }\n", reader="sysctls")
