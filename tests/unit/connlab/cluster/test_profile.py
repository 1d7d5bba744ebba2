"""Profiles: every way to write a Compose fragment that means one thing, and a clear no to the others.

Held against the real Composes in tests/compose/test_profiles.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from connlab.base.errors import LabError
from connlab.cluster import profile_reader, profiles
from tests.support.profiles import AMBIGUOUS, FORMS, SYSCTLS, fragment

REFUSED = {
    "not YAML": ("services: [", "while parsing"),
    "two documents": ("services: {host: {sysctls: {}}}\n---\n{}", "expected a single document"),
    "no services": ("x: 1", "services: host: sysctls:"),
    "no host": ("services: {other: {}}", "services: host: sysctls:"),
    "a list of hosts": ("services: {host: []}", "services: host: sysctls:"),
    "no sysctls": ("services: {host: {}}", "has no `sysctls`"),
    "empty sysctls": ("services:\n  host:\n    sysctls:\n", "neither a mapping nor a list"),
    "a key twice": (fragment("{net.ipv4.a: 1, net.ipv4.a: 2}"), "line 3: net.ipv4.a is there twice"),
    "a key twice in a list": (fragment("[net.ipv4.a=1, net.ipv4.a=2]"), "has a key twice"),
    "no value in a list": (fragment("[net.ipv4.a]"), "is not KEY=VALUE"),
    "a number in a list": (fragment("[[1]]"), "is not KEY=VALUE"),
    "blanks in a list": (fragment('["net.ipv4.a = 1"]'), "'net.ipv4.a ' is not the name of a kernel setting"),
    "a path": (fragment("{net.ipv4/../../x: 1}"), "is not the name of a kernel setting"),
    "two dots": (fragment("{net..ipv4: 1}"), "is not the name of a kernel setting"),
    "a nested value": (fragment("{net.ipv4.a: [1]}"), "neither a number nor a text"),
    "a variable": (fragment('{net.ipv4.a: "${N}"}'), "in the place of a \\$"),
    "an escaped $": (fragment('{net.ipv4.a: "1$$"}'), "in the place of a \\$"),
    "null": (fragment("{net.ipv4.a: }"), "net.ipv4.a has no value"),
    "empty": (fragment("{net.ipv4.a: ' '}"), "net.ipv4.a has no value"),
    "a control character": (fragment('{net.ipv4.a: "1\\e[2J"}'), "cannot be printed"),
    "another file": ("services: {host: {extends: {file: a.yaml, service: host}}}", "extends another file"),
    "a removed key that is none": ("x-removed-from-linux: 1\n" + fragment("{}"), "x-removed-from-linux is neither"),
    **{
        f"unlike {value}": (fragment(f"\n      net.ipv4.a: {value}"), "line 4: net.ipv4.a: .* in quotes")
        for value in AMBIGUOUS
    },
}  # fmt: skip


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_every_form_of_one_meaning_is_read_as_that(text: str) -> None:
    """Flow or block, quoted or not, a list, anchors: the same keys with the same values."""
    assert profile_reader.read(text)[0] == SYSCTLS


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(text: str, why: str) -> None:
    """Rather than to be applied and not read back, or read back as something else."""
    with pytest.raises(profile_reader.BadProfile, match=why):
        profile_reader.read(text)


@pytest.mark.parametrize(
    ("written", "kernel"),
    [
        ("'0x10'", "16"), ('"017"', "15"), ("'-0x1'", "-1"), ('"1\\t2"', "1 2"), ("' 3 '", "3"),
        ("|\n        15\n", "15"),
        ("cubic", "cubic"), ("'+5'", "+5"), ("'08'", "08"), ("0", "0"), ("'0 2147483647'", "0 2147483647"),
        ("4096 8192  16384", "4096 8192 16384"), ("!!str 15", "15"),
    ],
)  # fmt: skip
def test_a_value_is_told_as_the_kernel_writes_it(written: str, kernel: str) -> None:
    """0x10 is 16 to the kernel, 017 is 15 (proc_get_long()); 08 it refuses, and so it stays."""
    assert profile_reader.read(fragment(f"\n      net.ipv4.a: {written}"))[0] == {"net.ipv4.a": kernel}


@pytest.mark.parametrize(
    ("written", "kernel"),
    [
        ("8080,8081", "8080-8081"), ("8081-8082,8080", "8080-8082"), ("0x50", "80"), ("1,3,5", "1,3,5"),
        ("1-3,2-9,20", "1-9,20"), ("http", "http"), ("1-2-3", "1-2-3"), ("1,,2", "1,,2"), ("5-1", "5-1"),
    ],
)  # fmt: skip
def test_ports_are_told_in_ranges(written: str, kernel: str) -> None:
    """As the kernel writes them, the first three of them measured (docs/kernel.md T26); nonsense it refuses itself."""
    text = fragment(f"{{net.ipv4.ip_local_reserved_ports: '{written}', net.ipv4.other: '{written}'}}")
    assert profile_reader.read(text)[0]["net.ipv4.ip_local_reserved_ports"] == kernel


def test_removed_keys_are_told_first_and_not_set() -> None:
    """In any form, too; sysctl.conf(5) is what the host gets."""
    text = "x-removed-from-linux: [net.ipv4.tcp_tw_recycle=1]\n" + FORMS["flow"]
    assert profile_reader.read(text) == (SYSCTLS, {"net.ipv4.tcp_tw_recycle": "1"})
    assert profile_reader.conf(text).splitlines()[:2] == [
        "net.ipv4.tcp_tw_recycle = 1",
        "net.ipv4.tcp_fin_timeout = 15",
    ]


def test_a_refusal_names_the_file_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is not there, or no text."""
    monkeypatch.setattr(profiles, "HOME", tmp_path)
    (tmp_path / "sysctl").mkdir()
    for content, why in (
        (b"services: [", "while parsing"),
        (b"\xff", "it is not UTF-8"),
        (None, "no such file"),
    ):
        if content is None:
            (tmp_path / "sysctl/own.yaml").unlink()
        else:
            (tmp_path / "sysctl/own.yaml").write_bytes(content)
        with pytest.raises(LabError, match=rf"^sysctl/own\.yaml: .*{why}.*\n  next: ") as refused:
            profiles.sysctls("own")
        assert refused.value.status == 1
