"""Scripts that do what they should not: each has a sandbox, and nothing but that.

What a script found out, or was able to do, it says by rules with a comment: that is all that comes out of it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from connlab.base import settings as knobs
from connlab.cluster.sandbox import sandbox
from connlab.trial.files.loading import Loaded
from connlab.trial.hosts.conductor import Conductor

pytestmark = pytest.mark.xdist_group("loading")
FIRST = "iptables -A INPUT -p tcp --dport 1 -j DROP\n"
LAST = "iptables -A INPUT -p tcp --dport 2 -j DROP\n"
SAY = 'say() { iptables -A OUTPUT -m comment --comment "$1"; }\n'
LOOKS = """
say "links $(ip -brief link | cut -d@ -f1 | cut -d' ' -f1 | tr '\\n' ' ')$(ls /sys/class/net)"
say "user $(id -u)"
say "secrets $(cat /etc/shadow 2>/dev/null | wc -l)"
"""
TRIES = {
    "written": "echo x > /etc/passwd", "made": "touch /usr/bin/x", "mounted": "mount -t tmpfs none /mnt",
    "set": "echo 1 > /proc/sys/kernel/sysrq", "timed": "date -s 2001-01-01", "mixed": "mknod /tmp/disk b 8 0",
    "named": "hostname x", "ran": "cp /bin/true /tmp/true && /tmp/true", "asked": "read -r x < /dev/tty",
    "unshared": "unshare -m true", "machine": "echo 1 > /proc/sys/net/netfilter/nf_conntrack_max",
}  # fmt: skip


@pytest.fixture(scope="module")
def script_host() -> Callable[[], AbstractContextManager[Conductor]]:
    """Start a sandbox for each script, as a trial does."""

    @contextlib.contextmanager
    def host() -> Iterator[Conductor]:
        with sandbox(knobs.read(), 120, processes=128) as stream:
            yield Conductor(stream, 120)

    return host


def lines(loaded: Loaded) -> list[int | None]:
    """Return the number of each rule's line."""
    known = [loaded.lines.rules.get(rule.place) for rule in loaded.ruleset.rules]
    return [line.line if line else None for line in known]


def comments(loaded: Loaded) -> list[str]:
    """Return what a script said."""
    return [
        match[1] for rule in loaded.ruleset.rules if (match := re.search('--comment "?([^"]*)"?', rule.text))
    ]


def test_there_is_nothing_to_be_seen(load_texts):
    """No link of the machine's, no way out, nobody's secrets; root is a name."""
    assert comments(load_texts(script=f"{SAY}{LOOKS}")) == ["links lo eth0 lo", "user 0", "secrets 0"]


def test_there_is_nothing_to_be_done(load_texts):
    """Neither to the disk nor to the machine; the sandbox's own folder is the control."""
    tries = {**TRIES, "control": "touch /tmp/x"}
    loaded = load_texts(
        script=SAY + "".join(f"{each} 2>/dev/null && say {name}\n" for name, each in tries.items())
    )
    assert comments(loaded) == ["control"]


def test_files_that_are_taken_away_are_missed_by_nobody(load_texts):
    """Not by whoever takes notes either: the last rule has its line."""
    loaded = load_texts(script=f"{FIRST}rm -rf /tmp/* /run/* /dev/shm/* /opt 2>/dev/null\n{LAST}")
    assert (loaded.files[0]["loaded"], lines(loaded)) == (True, [1, 3])


def test_what_is_left_running_is_ended(load_texts):
    """It would have taken the rules away."""
    script = f"{FIRST}(sleep 60; iptables -F) &\nnohup setsid sleep 60 &\nyes >&2 &\n{LAST}"
    loaded = load_texts(script=script)
    assert (loaded.files[0]["loaded"], lines(loaded)) == (True, [1, 5])
    assert [message["text"] for message in loaded.files[0]["messages"]] == [
        "what it left running in the background was ended"
    ]


def test_a_script_that_kills_ends_itself(load_texts):
    """All that it reaches is its own; what it has loaded before is there."""
    loaded = load_texts(script=f"{FIRST}kill -9 -1 1 2 3 4 5 6 7 8 9 10\nkill -9 $$\n{LAST}")
    assert (loaded.files[0]["loaded"], loaded.files[0]["exit"], lines(loaded)) == ("partly", 137, [1])
    assert "the script was ended by signal 9" in [message["text"] for message in loaded.files[0]["messages"]]


@pytest.mark.variation
def test_a_script_that_wants_much_gets_little(load_texts):
    """Memory, room on the disk, and words that nobody reads."""
    hungry = "yes | head -c 5000000\nhead -c 30000000 /dev/zero > /tmp/x\n"
    hungry += "printf -v x '%900000000s' x\n"
    loaded = load_texts(script=f"{FIRST}{hungry}{LAST}")
    assert (loaded.files[0]["loaded"], lines(loaded)) == ("partly", [1])


@pytest.mark.variation
def test_who_asks_gets_no_answer(load_texts):
    """Its input is at its end, and there is no terminal."""
    loaded = load_texts(script=f"{FIRST}read -r -p 'sure? ' x || {LAST}")
    assert (loaded.files[0]["loaded"], lines(loaded)) == (True, [1, 2])


@pytest.mark.variation
def test_lines_are_not_guessed_where_a_script_has_traps_of_its_own(load_texts):
    """They take the place of ours: null rather than wrong."""
    loaded = load_texts(script=f"{FIRST}trap 'true' DEBUG\n\n{LAST}")
    assert (loaded.files[0]["loaded"], lines(loaded)) == (True, [None, None])


def test_words_of_a_script_are_words(load_texts):
    """Hostile ones reach nobody's terminal from here: they are data."""
    loaded = load_texts(script=f"{FIRST}iptables -A INPUT -j $'\\e[31mRED\\a'\n")
    assert loaded.files[0]["loaded"] == "partly"
    assert any("\x1b[31mRED" in message["text"] for message in loaded.files[0]["messages"])
