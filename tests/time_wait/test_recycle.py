"""tcp_tw_recycle, and the article's three lines typed at a host of today."""

from __future__ import annotations

import pytest

from connlab.base.model import Verdict
from connlab.cluster.one_off import run_once
from tests.support.laboratory import image
from tests.support.recordings import Keep

KEY = "net.ipv4.tcp_tw_recycle"
LINES = f"{KEY} = 1\nnet.ipv4.tcp_tw_reuse = 1\nnet.ipv4.tcp_fin_timeout = 15\n"
LOAD = """printf '%s' "$LINES" | sysctl {options} -p - 2>&1
echo status=$?
sysctl -n net.ipv4.tcp_tw_reuse net.ipv4.tcp_fin_timeout"""


@pytest.mark.claim("recycle")
def test_tcp_tw_recycle_is_gone(keep: Keep, verdict) -> None:
    """`sysctl -p` says so, sets the other two and fails; -e hides it; a container told to set it does not start.

    The other two lines are the positive control: the same file, the same tool (T16, T17).
    """
    client = image("client")
    as_root = {"entrypoint": "sh", "user": "0", "writable_net": True, "environment": {"LINES": LINES}}
    _, text = run_once(client, ["-c", LOAD.format(options="")], **as_root)
    _, quiet_text = run_once(client, ["-c", LOAD.format(options="-e")], **as_root)
    control, _ = run_once(client, ["--version"], entrypoint="sysctl", sysctls={"net.ipv4.tcp_tw_reuse": "1"})
    status, error = run_once(client, ["--version"], entrypoint="sysctl", sysctls={KEY: "1"})

    keep("said", {"sysctl -p": text, "sysctl -e -p": quiet_text, "container": error})
    assert "cannot stat /proc/sys/net/ipv4/tcp_tw_recycle: No such file or directory" in text
    assert text.endswith("status=1\n1\n15\n")
    assert "tcp_tw_recycle" not in quiet_text
    assert quiet_text.endswith("status=0\n1\n15\n")
    assert control == 0
    assert status != 0
    assert "tcp_tw_recycle: no such file or directory" in error
    verdict(
        Verdict.REFUTED,
        "no such setting since Linux 4.12: `sysctl -p` says `cannot stat`, sets the article's other two lines and ends"
        " with status 1; a container told to set it does not start",
    )
