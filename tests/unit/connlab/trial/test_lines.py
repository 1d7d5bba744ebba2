"""Which line made which rule: what texts say, in order, and what a kernel made, in order."""

from __future__ import annotations

import pytest

from connlab.trial.files import fed_text, lines, texts
from connlab.trial.files.forms import Input
from connlab.trial.files.lines import Line, Origin
from connlab.trial.files.messages import messages

IN = ("ip", "filter", "INPUT")
RESTORED = """# comment
*filter
:INPUT DROP [0:0]
-A INPUT -s 10.0.0.1,10.0.0.2 -d 192.0.2.1,192.0.2.2 -j ACCEPT
[5:60] -A INPUT -p tcp --dport 22 -j ACCEPT
-I INPUT 2 --source=10.1.0.0/16,10.2.0.0/16 -j W
-D INPUT -p tcp --dport 22 -j ACCEPT
*mangle
-A INPUT -j MARK --set-mark 1
COMMIT
"""
NFT = """define WEB = { 80,
  443 }
table inet f {
  set s { type ipv4_addr; elements = { 1.2.3.4,
    5.6.7.8 } }
  chain in { type filter hook input priority 0
    policy drop
    ct state vmap { established : accept,
      invalid : drop }
    tcp dport { 1,
      2 } accept comment "a; b } # c"
  }
}
add rule inet f in tcp dport 3 \\
  accept
insert rule inet f in tcp dport 4 accept
"""


def origin(form: str, text: str) -> Origin:
    """Return where what a text makes comes from."""
    prepared = texts.prepare(Input("x", form, text))
    return prepared.texts[prepared.own[0]].origin


def numbers(order: object) -> list[int | None]:
    """Return the numbers of lines."""
    return [line.line if line else None for line in order]


def test_several_addresses_of_a_line_are_several_rules():
    """One for each pair of source and destination; counters, tables and lines that take away make none."""
    found = origin("iptables-save", RESTORED)
    assert numbers(found.rules[IN]) == [4, 4, 4, 4, 5, 6, 6]
    assert numbers(found.rules["ip", "mangle", "INPUT"]) == [9]
    assert found.policies == {IN: Line("x", 3)}


def test_an_nft_statement_is_where_it_begins():
    """Sets, maps and strings with braces are parts of it."""
    found = origin("nft", NFT)
    assert numbers(found.rules["inet", "f", "in"]) == [8, 10, 14, 16]
    assert found.policies["inet", "f", "in"].line == 7


def test_a_rule_has_a_line_only_if_as_many_were_made_as_are_said():
    """Else nobody knows: null rather than wrong."""
    says = Origin({IN: [Line("x", 1), Line("x", 2)]}, {})
    made = [("ip", "filter", "INPUT", 4), ("ip", "filter", "INPUT", 7)]
    assert lines.handles(says, made) == {("ip", "filter", 4): ("x", 1), ("ip", "filter", 7): ("x", 2)}
    assert lines.handles(says, made[:1]) == {}
    assert lines.handles(Origin({}, {}), made) == {}


def test_ufws_chains_are_declared_and_hooked():
    """Those that the fragment names; its own words keep their lines, though a table is put before them."""
    text = "-A ufw-before-input -j ufw-not-local\n-A ufw-user-input -p tcp --dport 22 -j ufw-user-limit\n"
    first, own, last = texts.prepare(Input("x", "ufw", text)).texts
    assert "-A INPUT -j ufw-before-input\n" in first.text
    assert ":ufw-not-local - [0:0]\n" in first.text
    assert "-A ufw-user-limit -j REJECT\n" in first.text
    assert "-A INPUT -j ufw-user-input\n" not in first.text
    assert own.text == f"*filter\n{text}\nCOMMIT\n"
    assert numbers(own.origin.rules["ip", "filter", "ufw-user-input"]) == [2]
    assert last.text == "*filter\n-A ufw-before-input -j ufw-user-input\nCOMMIT\n"
    assert {each.tool for each in (first, own, last)} == {"iptables-beside"}


def test_a_text_is_found_in_the_script_that_feeds_it():
    """Also where variables are filled in; one that stands nowhere is not guessed."""
    script = "a\ncat <<X\n-A 1\n-A $y\nCOMMIT\nX\nb\ncat <<X\n-A 1\n-A $y\nCOMMIT\nX\n"
    assert fed_text.place(script, "-A 1\n-A 7\nCOMMIT\n", 2) == 2
    assert fed_text.place(script, "-A 1\n-A 7\nCOMMIT\n", 8) == 8
    assert fed_text.place(script, "-A 1\n-A 7\nCOMMIT\n", 4) == 8
    assert fed_text.place(script, "-A 5\n-A 6\n", 1) is None


OF_NFT = """/dev/stdin:4:38-38: Error: syntax error, unexpected string, expecting number
\t\ttcp dport { 22, 80 } ct count over x drop
\t\t                                   ^
/dev/stdin:5:41-43: Error: Could not parse conntrack state
  tcp dport 22 iifname "é€" ct state foo accept
                                        ^^^
/dev/stdin:6:12-12: Error: syntax error, unexpected newline
add rule ip
           ^
/dev/stdin:7:1-18: Error: Could not process rule: No such file or directory
add rule ip f in \\
^^^^^^^^^^^^^^^^^^
/dev/stdin:9:1-1: Error: syntax error, unexpected end of file
}
^
"""


def test_an_error_of_nft_has_its_line_and_the_word_in_it():
    """Instead of carets, which stand under nothing once a line is folded or a tab shown as one; columns are letters."""
    text = "1\n2\n3\n4\n5\n6\n7\n}\n"
    assert messages(OF_NFT, text) == [
        {"line": 4, "text": "nft: syntax error, unexpected string, expecting number, at column 38: x"},
        {"line": 4, "text": "tcp dport { 22, 80 } ct count over x drop"},
        {"line": 5, "text": "nft: Could not parse conntrack state, at column 38: foo"},
        {"line": 5, "text": 'tcp dport 22 iifname "é€" ct state foo accept'},
        {"line": 6, "text": "nft: syntax error, unexpected newline, at the end of the line"},
        {"line": 6, "text": "add rule ip"},
        {"line": 7, "text": "nft: Could not process rule: No such file or directory"},
        {"line": 7, "text": "add rule ip f in \\"},
        {"line": 8, "text": "nft: syntax error, unexpected end of file"},
        {"line": 8, "text": "}"},
    ]


def test_an_error_in_another_file_than_the_one_that_was_fed_is_not_of_its_line():
    """A script may have nft read any file; it is this text only if the line is the one that nft quotes."""
    error = "/tmp/x.nft:2:7-7: Error: syntax error\n\tport\ty\n\t    \t^\n"
    assert messages(error, "a\n\tport\ty\n") == [
        {"line": 2, "text": "nft: syntax error, at column 7: y"},
        {"line": 2, "text": "port y"},
    ]
    assert messages(error, "a\nb\n") == [
        {"line": None, "text": "/tmp/x.nft:2: syntax error, at column 7: y"},
        {"line": None, "text": "port y"},
    ]


RULES = "-A INPUT -i lo -j ACCEPT\n-A INPUT -j W\n"
OCCURRED = "Error occurred at line: {}\nTry `iptables-restore -h' or 'iptables-restore --help' for more information.\n"
TABLES = f"*mangle\n-A INPUT -j W\nCOMMIT\n*filter\n{RULES}-A INPUT -j W\nCOMMIT\n"
LACKS_W = "iptables-restore v1.8.11 (nf_tables): Chain 'W' does not exist\n"


@pytest.mark.parametrize(
    ("words", "text", "shift", "line", "told"),
    [(LACKS_W + OCCURRED.format(5), RULES, 1, 2, LACKS_W), (LACKS_W + OCCURRED.format(8), TABLES, 0, 6, LACKS_W),
     ("iptables-restore: line 3 failed: No chain.\n", RULES, 1, 2, "iptables-restore: No chain."),
     ("iptables-restore: line 5 failed\n", RULES, 1, None, "iptables-restore: failed"),
     ("iptables-restore: COMMIT expected at line 3\n", f"{RULES}\n", 0, 2, "iptables-restore: COMMIT expected"),
     ("iptables-restore v1 (nf_tables): \nline 2: RULE_APPEND failed (Invalid argument): rule in chain INPUT\n", RULES,
      0, 2, "iptables-restore v1 (nf_tables): RULE_APPEND failed (Invalid argument): rule in chain INPUT"),
     ("iptables-restore v1: unknown option \"--y\"\n" + OCCURRED.format(2), RULES, 1, 1,
      "iptables-restore v1: unknown option \"--y\"")],
)  # fmt: skip
def test_an_error_of_iptables_restore_has_the_line_of_the_file(words, text, shift, line, told):
    """Of the rule that names a chain that is not there, not of COMMIT; never one that the file has not."""
    source = [{"line": line, "text": text.split("\n")[line - 1]}] if line else []
    assert messages(words, text, shift) == [{"line": line, "text": told.strip()}, *source]


def test_an_include_that_was_not_brought_is_all_that_is_said():
    """What nft says of the lines after it is not true of them."""
    words = '/dev/stdin:3:1-19: Error: File not found: ./x.nft\ninclude "./x.nft"\n^^^\n/dev/stdin:5:1-2: Error: y\n'
    assert messages(words, "") == [
        {"line": 3, "text": "nft: File not found: ./x.nft"},
        {"line": 3, "text": 'include "./x.nft"'},
        {
            "line": 3,
            "text": "bring ./x.nft beside it (what is not below the folder of the file is read only so), put its text"
            " in the place of this line, or bring the output of: nft list ruleset",
        },
    ]


def test_what_comes_after_a_line_that_ends_with_cr_lf_is_not_said():
    """To nft all is one line then; a CR inside a word is written as one."""
    words = "/dev/stdin:1:15-16: Error: syntax error, unexpected CRLF line terminators\n/dev/stdin:1:75-80: Error: y\n"
    assert [each["text"] for each in messages(words, "")] == [
        "nft: syntax error, unexpected CRLF line terminators"
    ]
    assert [each["text"] for each in messages("line 1 table name 'filter\r' invalid\n", "")] == [
        "table name 'filter\\r' invalid"
    ]


def test_a_name_of_a_host_is_answered_with_what_to_bring():
    """No names are looked up, whatever tool asks."""
    words = "iptables v1.8.11 (nf_tables): host/network `office.example.com' not found\n"
    assert "put the address in the place of the name" in messages(words, "")[-1]["text"]
    words = "/dev/stdin:3:9-20: Error: Could not resolve hostname: Name or service not known\n"
    assert messages(words, "")[-1]["line"] == 3
