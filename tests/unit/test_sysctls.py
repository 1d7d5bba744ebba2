"""Kernel settings: what a profile declares against what a host has, played by a folder.

Both machines read them, with code of their own: the server refuses to start where they differ, and so does a client.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import yaml

HOME = Path(__file__).parents[2]
RECYCLE, REUSE, FIN = (f"net.ipv4.tcp_{name}" for name in ("tw_recycle", "tw_reuse", "fin_timeout"))


@pytest.fixture(params=["client", "server"])
def sysctls(request) -> ModuleType:
    """The module of a machine."""
    return import_module(f"{request.param}.sysctls")


@pytest.fixture
def proc(sysctls, tmp_path, monkeypatch):
    """/proc/sys of a host: a function that gives it keys."""
    kind = type(sysctls.PROC)  # a path, or a text that ends with /
    monkeypatch.setattr(sysctls, "PROC", kind(f"{tmp_path}/"))

    def has(**keys: str) -> None:
        (tmp_path / "net/ipv4").mkdir(parents=True, exist_ok=True)
        for name, value in keys.items():
            (tmp_path / "net/ipv4" / name).write_text(value)

    return has


@pytest.fixture
def states(sysctls):
    """What the machine makes of a profile: {key: (declared, effective, state)}."""

    def read(profile: str) -> dict[str, tuple[str, str | None, str]]:
        found = [
            key if isinstance(key, dict) else {**key._asdict(), "state": key.state}
            for key in sysctls.read(profile)
        ]
        return {key["key"]: (key["declared"], key["effective"], key["state"]) for key in found}

    return read


@pytest.fixture
def own(sysctls, tmp_path, monkeypatch):
    """A profile `own` with these lines."""
    monkeypatch.setattr(sysctls, "HOME", tmp_path)
    (tmp_path / "sysctl").mkdir()
    return (tmp_path / "sysctl/own.yaml").write_text


def test_the_article_s_profile_on_a_modern_kernel(proc, states):
    """Two keys are set, and the one that Linux 4.12 removed is told as absent."""
    proc(tcp_tw_reuse="1\n", tcp_fin_timeout="15\n")
    assert states("article") == {
        RECYCLE: ("1", None, "absent"), REUSE: ("1", "1", "applied"), FIN: ("15", "15", "applied"),
    }  # fmt: skip


def test_the_stock_profile(proc, states):
    """The defaults of Linux 6, said aloud."""
    proc(tcp_tw_reuse="2\n", tcp_fin_timeout="60\n")
    assert states("stock") == {REUSE: ("2", "2", "applied"), FIN: ("60", "60", "applied")}


def test_a_key_with_another_value_differs(proc, states):
    """A host that is not what it claims: declared and effective are both told."""
    proc(tcp_tw_reuse="1\n", tcp_fin_timeout="60\n")
    assert states("article")[FIN] == ("15", "60", "differs")


def test_an_old_kernel_that_has_the_removed_key_differs(proc, states):
    """Where tcp_tw_recycle exists it is not set, and that is said."""
    proc(tcp_tw_recycle="0\n", tcp_tw_reuse="1\n", tcp_fin_timeout="15\n")
    assert states("article")[RECYCLE] == ("1", "0", "differs")


@pytest.mark.parametrize("path", sorted(HOME.glob("sysctl/*.yaml")), ids=lambda path: path.stem)
def test_no_key_of_a_shipped_profile_is_overlooked(proc, states, path):
    """The images have no YAML parser: what the machine's own reading finds is what a real one finds."""
    profile = yaml.safe_load(path.read_text())
    declared = {**profile.get("x-removed-from-linux", {}), **profile["services"]["host"]["sysctls"]}
    assert {key: value for key, (value, _, _) in states(path.stem).items()} == declared
    assert declared


def test_blanks_between_numbers_do_not_matter(proc, own, states):
    """/proc separates with tabs what a profile separates with blanks."""
    own('    sysctls:\n      net.ipv4.tcp_rmem: "4096 8192 16384"\n')
    proc(tcp_rmem="4096\t8192\t16384\n")
    assert states("own") == {"net.ipv4.tcp_rmem": ("4096 8192 16384", "4096 8192 16384", "applied")}


def test_a_commented_key_is_not_declared(proc, own, states):
    """A line that Compose does not see is not read back either."""
    own('      # net.ipv4.tcp_rmem: "1"\n')
    assert states("own") == {}


def test_a_remark_behind_a_value_is_no_part_of_it(proc, own, states):
    """Quoted or not."""
    own('      net.ipv4.tcp_rmem: "1"  # why\n      net.ipv4.tcp_wmem: 2 # why\n')
    proc(tcp_rmem="1\n", tcp_wmem="2\n")
    assert [value for _, *value in states("own").values()] == [["1", "applied"], ["2", "applied"]]
