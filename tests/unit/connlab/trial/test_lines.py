"""Which line made which rule: what texts say, in order, and what a kernel made, in order."""

from __future__ import annotations

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


def test_a_word_of_a_tool_is_about_the_line_that_it_names():
    """Or about the one that was named before it; a chain that is not there is about the line that wants it."""
    assert messages("/dev/stdin:5:3-9: Error: x\n  tcp dport y\n      ^^^\n", "") == [
        {"line": 5, "text": "/dev/stdin:5:3-9: Error: x"},
        {"line": 5, "text": "  tcp dport y"},
    ]
    words = (
        "iptables-restore: Chain 'W' does not exist\nError occurred at line: 4\nTry `iptables-restore -h' or"
        + (" 'iptables-restore --help' for more information.\n")
    )
    assert [each["line"] for each in messages(words, "*filter\n-A INPUT -j W\n-A INPUT -j X\nCOMMIT\n")] == [
        2,
        2,
    ]
    assert [each["line"] for each in messages("iptables-restore: line 4 failed\n", "", shift=1)] == [3]


def test_an_include_that_was_not_brought_is_all_that_is_said():
    """What nft says of the lines after it is not true of them."""
    words = '/dev/stdin:3:1-19: Error: File not found: ./x.nft\ninclude "./x.nft"\n^^^\n/dev/stdin:5:1-2: Error: y\n'
    assert messages(words, "") == [
        {"line": 3, "text": "/dev/stdin:3:1-19: Error: File not found: ./x.nft"},
        {
            "line": 3,
            "text": "bring ./x.nft beside it (what is not below the folder of the file is read only so), put its text"
            " in the place of this line, or bring the output of: nft list ruleset",
        },
    ]


def test_what_comes_after_a_line_that_ends_with_cr_lf_is_not_said():
    """To nft all is one line then; a CR inside a word is written as one."""
    words = "/dev/stdin:1:15-16: Error: syntax error, unexpected CRLF line terminators\n/dev/stdin:1:75-80: Error: y\n"
    assert [each["text"] for each in messages(words, "")] == [words.split("\n", maxsplit=1)[0]]
    assert [each["text"] for each in messages("line 1 table name 'filter\r' invalid\n", "")] == [
        "line 1 table name 'filter\\r' invalid"
    ]


def test_a_name_of_a_host_is_answered_with_what_to_bring():
    """No names are looked up, whatever tool asks."""
    words = "iptables v1.8.11 (nf_tables): host/network `office.example.com' not found\n"
    assert "put the address in the place of the name" in messages(words, "")[-1]["text"]
    words = "/dev/stdin:3:9-20: Error: Could not resolve hostname: Name or service not known\n"
    assert messages(words, "")[-1]["line"] == 3
