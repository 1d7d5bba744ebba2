"""`--set`: one number of one line is another before the file is loaded."""

from __future__ import annotations

import pytest

from connlab.base.errors import Usage
from connlab.trial.files import changes
from connlab.trial.files.changes import Change
from connlab.trial.files.forms import Input

RULE = (
    "-A INPUT -p tcp -m tcp --dport 443 --syn -m connlimit --connlimit-above 15 --connlimit-mask 32 -j DROP"
)


def one(line: str, what: str) -> str:
    """Return the line after a change of its only line."""
    inputs, _ = changes.apply([Input("a.rules", "iptables-save", f"{line}\n")], [changes.parse(f"1:{what}")])
    return inputs[0].text.rstrip("\n")


@pytest.mark.parametrize(
    ("line", "what", "number"),
    [
        (RULE, "above=400", "15"),
        (RULE, "connlimit-above=400", "15"),
        (RULE, "mask=24", "32"),
        (RULE, "dport=8443", "443"),
        ("tcp dport 443 ct count over 6 reject", "over=60", "6"),
        ("tcp dport 443 ct count over 6 reject", "count=60", "6"),
        ("limit rate over 20/second burst 5 packets drop", "rate=7", "20"),
        ("limit rate over 20/second burst 5 packets drop", "burst=7", "5"),
        ("set clients { type ipv4_addr; size 1024; flags dynamic; }", "size=8", "1024"),
        ("iptables -A INPUT -m recent --update --seconds 20 --hitcount 5 -j DROP", "seconds=7", "20"),
        ("iptables -A INPUT -m recent --update --seconds 20 --hitcount 5 -j DROP", "hitcount=7", "5"),
        ("-A INPUT -m hashlimit --hashlimit-upto 6/min --hashlimit-burst 3 -j ACCEPT", "upto=7", "6"),
        (
            "-A INPUT -m hashlimit --hashlimit-upto 6/min --hashlimit-burst 3 -j ACCEPT",
            "hashlimit-burst=7",
            "3",
        ),
        ("-A INPUT -m limit --limit 6/min -j LOG", "limit=7", "6"),
        ("LIMIT=5  # each", "LIMIT=7", "5"),
        ("net.core.somaxconn = 512", "somaxconn=4096", "512"),
        ("net.core.somaxconn = 512", "net.core.somaxconn=4096", "512"),
        ('      net.core.somaxconn: "512"', "somaxconn=4096", "512"),
        ("      - net.core.somaxconn=512", "somaxconn=4096", "512"),
    ],
)
def test_the_number_after_a_word_becomes_another(line, what, number):
    """In each form of text; nothing else of the line changes."""
    assert one(line, what) == line.replace(number, what.partition("=")[2], 1)


def test_what_was_changed_is_told():
    """File, line, word, the number before and the one that was tried; other lines stay, line ends too."""
    brought = [
        Input("b.conf", "sysctl", "net.core.somaxconn=1\n"),
        Input("d/a.rules", "iptables-save", f"#\r\n{RULE}\r\n"),
    ]
    inputs, told = changes.apply(
        brought, [Change("a.rules", 2, "above", "20"), Change("d/a.rules", 2, "mask", "8")]
    )
    assert inputs[0] == brought[0]
    assert inputs[1].text == f"#\r\n{RULE.replace('15', '20').replace('32', '8')}\r\n"
    assert told == [
        {"file": "d/a.rules", "line": 2, "word": "above", "before": "15", "after": "20"},
        {"file": "d/a.rules", "line": 2, "word": "mask", "before": "32", "after": "8"},
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("2:upto=9", "a.rules:2 has no 'upto' with a number after it: it has dport=443, connlimit-above=15"),
        ("2:bove=9", "a.rules:2 has no 'bove'"),
        ("1:above=9", "it has no number after a word: *filter; it has one on line 2, 3"),
        ("9:above=9", "a.rules:9 is not there: the file has 3 lines"),
        ("0:above=9", "a.rules:0 is not there"),
        (
            "3:above=9",
            "has more than one 'above' with a number after it: it has connlimit-above=1, hashlimit-above=2",
        ),
        ("b.rules:2:above=9", "b.rules is none of the files: d/a.rules"),
    ],
)
def test_a_word_that_is_not_there_is_refused_with_what_is(change, words):
    """By a usage error, which names the words that have a number."""
    twice = "-A INPUT -m connlimit --connlimit-above 1 -m hashlimit --hashlimit-above 2/min --hashlimit-name x -j DROP"
    text = f"*filter\n{RULE}\n{twice}\n"
    with pytest.raises(Usage) as refused:
        changes.apply([Input("d/a.rules", "iptables-save", text)], [changes.parse(change)])
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "above=400", "9:above", "9:above=", "9:above=many", "x:above=4", "9:=4"]
)
def test_what_is_no_change_is_refused_with_an_example(text):
    """By a usage error."""
    with pytest.raises(Usage, match="changes nothing"):
        changes.parse(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("9:above", "it has no = with a number after it"), ("8:above=abc", "'abc' is no whole number"),
        ("above=400", "it has no number of a line"), ("9:=4", "'' is no word"),
    ],
)  # fmt: skip
def test_what_a_change_lacks_is_said(text, why):
    """The first of the line, the word and the number that is not there."""
    with pytest.raises(Usage) as refused:
        changes.parse(text)
    assert refused.value.why.startswith(why)


def test_with_several_files_the_file_has_to_be_said():
    """The refusal shows how."""
    inputs = [Input(path, "nft", "ct count over 3\n") for path in ("a.nft", "b.nft")]
    with pytest.raises(Usage) as refused:
        changes.apply(inputs, [changes.parse("1:over=5")])
    assert refused.value.next_step == "--set a.nft:1:over=5"
