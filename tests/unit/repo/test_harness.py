"""The harness's own red path: a run without tests is no green one."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from connlab.base.errors import GaveUp
from connlab.base.wait import until
from connlab.cli import main as cli
from connlab.evidence.recorder import RunFolder
from tests.support import recordings
from tests.support.in_process import call_lab
from tests.support.last_lines import skip_lines
from tests.support.processes import environment_without, run_program, write_program
from tests.support.variations import then_variations

HOME = Path(__file__).parents[3]
OUTER = ("PYTEST_", "CONNLAB_REQUIRE_")  # what the run around these tests has


def test_no_tests_are_not_green():
    """A run that finds nothing to run says so with 5, not 0 (a typing error in `-k`, say)."""
    result = pytest_run("-k", "no_such_test", "tests/unit/connlab/kernel/test_kernels.py")
    assert result.returncode == 5, result.stdout


def test_what_was_not_run_is_said_last():
    """The reason, how many tests, and the command; then pytest's own summary line, which CI reads."""
    result = pytest_run("tests/report/test_in_a_browser.py", PATH="/nonexistent")
    assert result.returncode == 0, result.stdout
    *_, why, way, summary = result.stdout.splitlines()
    skipped = re.fullmatch(r"not run: (\d+) tests: no browser: none of chromium, .*", why)
    assert skipped, result.stdout
    assert way == "next: make tools, then they are run"
    assert re.match(rf"1 passed, {skipped[1]} skipped in ", summary)


def test_nothing_is_said_of_a_run_that_left_nothing_out():
    result = pytest_run("tests/unit/repo/test_ports.py")
    assert (result.returncode, "not run" in result.stdout, "make tools" in result.stdout) == (0, False, False)


def test_labs_go_before_the_tests_that_wait_for_them():
    """Six workers left five guests so little of two processors that none had booted after two minutes."""
    assert os.getpriority(os.PRIO_PROCESS, 0) >= 10


def test_ctrl_c_during_a_verb_in_this_process_ends_the_run(monkeypatch):
    """The verb takes it as meant for it and ends with 130; its test failed, and the run went on."""

    def interrupted_verb(_argv, _name):
        return cli.guarded(lambda: signal.raise_signal(signal.SIGINT))

    monkeypatch.setattr(cli, "run", interrupted_verb)
    with pytest.raises(KeyboardInterrupt):
        call_lab("status")


@pytest.mark.variation  # of what `make test` itself says last
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_variations_that_are_left_out_are_counted_once(tmp_path, workers):
    """And the command that runs them is named; of a run that has them all nothing is said."""
    shutil.copy(HOME / "tests/conftest.py", tmp_path / "conftest.py")
    (tmp_path / "test_it.py").write_text(
        "import pytest\n@pytest.mark.parametrize('n', [1, pytest.param(2, marks=pytest.mark.variation)])\n"
        "def test_it(n): pass\n@pytest.mark.variation\ndef test_more(): pass\n"
    )
    where = (workers, "--rootdir", str(tmp_path), "-c", str(HOME / "pyproject.toml"))
    *_, left_out, way, summary = pytest_run(*where, "-m", "not variation", str(tmp_path)).stdout.splitlines()
    assert (left_out, way) == (
        "not run: 2 variations (the same in other circumstances)",
        "next: make test-all",
    )
    assert summary.startswith("1 passed")
    for chosen, passed in (((), "3 passed"), (("-k", "test_more"), "1 passed")):
        output = pytest_run(*where, *chosen, str(tmp_path)).stdout
        assert ("not run" in output, passed in output) == (False, True)


def test_a_reason_that_no_tool_changes_names_none():
    """A kernel without a setting, say."""
    skip = pytest.TestReport(
        "t", ("f", 1, "t"), {}, "skipped", ("f", 1, "Skipped: this kernel has no x"), "setup"
    )
    assert skip_lines([skip]) == ["not run: 1 test: this kernel has no x"]


def test_a_lab_that_its_recordings_could_not_remove_goes_in_the_end(monkeypatch, recwarn, tmp_path):
    """Its recordings are there, and a warning has the reason: it was told to nobody, and the lab stayed."""

    @contextlib.contextmanager
    def laboratory():
        yield SimpleNamespace(settings=SimpleNamespace(project="lab-1"))
        raise GaveUp("the engine keeps a network")

    removed = []
    monkeypatch.setattr(recordings, "_definitions", {"recorded": (lambda lab, keep: "a record", {"lab": {}})})
    monkeypatch.setattr(recordings, "image", lambda service: service)
    monkeypatch.setattr(recordings, "laboratory", laboratory)
    monkeypatch.setattr(recordings, "record_lab", lambda *_: None)
    monkeypatch.setattr(recordings.engine_machine, "now", lambda: datetime.now(UTC))
    monkeypatch.setattr(recordings, "remove_project", removed.append)
    with recordings.start_recordings({"recorded"}, RunFolder("run", tmp_path)) as started:
        assert started["recorded"]["lab"] == "a record"
    assert "lab-1" in removed
    (warning,) = recwarn
    assert str(warning.message).startswith("lab-1 is not removed yet: ")
    assert "GaveUp: the engine keeps a network" in str(warning.message)


@pytest.mark.parametrize(
    "workers", then_variations(pytest.param(("-n", "1"), id="a worker"), pytest.param((), id="no worker"))
)
def test_a_test_that_hangs_is_named_when_the_run_is_interrupted(tmp_path, workers):
    """CI ends a run that takes too long with SIGINT: its last lines said only how many tests had passed."""
    shutil.copy(HOME / "tests/conftest.py", tmp_path / "conftest.py")
    hangs = tmp_path / "hangs"
    (tmp_path / "test_it.py").write_text(
        f"import pathlib, time\nhangs = pathlib.Path({str(hangs)!r})\n"
        "def test_that_ends(): pass\n"
        "def test_that_hangs():\n    hangs.touch()\n    while hangs.exists(): time.sleep(0.05)\n"
    )
    folders = ("--rootdir", str(tmp_path), "-c", str(HOME / "pyproject.toml"), str(tmp_path))
    argv = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *workers, *folders]
    with subprocess.Popen(
        argv, cwd=HOME, env=environment_without(OUTER), stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        said = ""
        while "test_it.py::test_that_hangs" not in said:  # no line break follows
            said += os.read(run.stdout.fileno(), 1 << 16).decode() or pytest.fail(said)
        until(hangs.exists, "the test has begun", within=30, every=0.01)
        run.send_signal(signal.SIGINT)
        hangs.unlink()
        output = run.stdout.read()
    assert run.returncode == 2, output
    (told,) = re.findall(r"^had not ended after \d+ s: (.*)$", output, re.MULTILINE)
    assert told == "test_it.py::test_that_hangs"


@pytest.mark.parametrize(
    ("programs", "status", "message"),
    [
        (["apt-get", "chromium"], 0, "the browser is"),
        (["apt-get"], 0, "the browser is"),
        ([], 3, "next: apt-get install chromium, as root"),
    ],
    ids=["there", "installed", "not to be had"],
)
def test_make_tools(tmp_path, programs, status, message):
    """Compose first, then a browser that is there, or that apt-get brings; else how to get one, exit status 3."""
    (tmp_path / ".ci").mkdir()
    write_program(tmp_path / ".ci/compose-wheels", "echo fetched >&2")
    shutil.copy(HOME / ".ci/tools", tmp_path / ".ci/tools")
    (tmp_path / "bin").mkdir()
    for name in ("bash", "dirname"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    there = tmp_path / "bin/chromium"
    brings = f'[ "$1" = update ] || {{ echo "#!/bin/sh" >{there}; /bin/chmod +x {there}; }}'
    for name in programs:
        write_program(tmp_path / "bin" / name, brings if name == "apt-get" else "")
    only = {"PATH": str(tmp_path / "bin")}
    result = run_program([".ci/tools"], tmp_path, only)
    if result.returncode == 3 and status == 0 and os.geteuid() != 0:
        pytest.skip("only root installs a browser")
    assert result.returncode == status, result.stderr
    assert result.stderr.startswith("fetched\n")
    assert message in result.stderr


def pytest_run(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return run_program(argv, env=environment_without(OUTER, **variables))
