"""What a trial leaves: its answer, the files and what was seen, for its user alone; and nothing that runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest

from connlab.base.settings import HOME
from connlab.base.wait import until
from connlab.cluster import engine, idle_host
from connlab.trial.answer import record as trial_record
from connlab.trial.hosts import machine
from tests.support.in_process import call_lab
from tests.support.processes import lab_command, run_make
from tests.support.trial_schema import problems
from tests.support.variations import then_variations

FIRST = """*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --syn --dport 8081 -m connlimit --connlimit-above 3 -j REJECT --reject-with tcp-reset
-A INPUT -p tcp --dport 8081 -j ACCEPT
COMMIT
"""
SECOND = "table ip6 guard {\n chain in { type filter hook input priority 0;\n tcp dport 8081 accept\n }\n}\n"


class Tried(NamedTuple):
    """A trial of two files, one of them standard input: all that it left."""

    answer: dict[str, Any]
    notices: list[str]
    folder: Path
    status: int
    junit: ElementTree.Element


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    """Two files of which one came in by standard input."""
    folder = tmp_path_factory.mktemp("record")
    (folder / "a b;c.rules").write_text(FIRST)
    (folder / "second.nft").write_text(SECOND)
    expected = ("--expect", "port 8081 over IPv4: 3 per address, rst", "--expect", "port 9009: 3")
    outputs = ("--json", "--open", "--junit", str(folder / "junit.xml"))
    command = lab_command("try", "-", str(folder / "second.nft"), "--dials", "5", *expected, *outputs)
    with (folder / "a b;c.rules").open() as rules:
        done = subprocess.run(command, cwd=HOME, stdin=rules, capture_output=True, text=True, check=False)
    notices = [line for line in done.stderr.splitlines() if "building" not in line]
    assert notices[-1].startswith("lab: evidence: runs/"), done.stderr
    name = HOME / notices[-1].removeprefix("lab: evidence: ")
    junit = ElementTree.parse(folder / "junit.xml").getroot()
    yield Tried(json.loads(done.stdout), notices, name, done.returncode, junit)
    shutil.rmtree(name)


def test_it_is_kept_for_its_user_alone(tried):
    """The answer as it was printed, both files as they were brought, and all that was seen; 0700 and 0600."""
    assert tried.folder.parent == HOME / "runs"
    assert json.loads((tried.folder / "try.json").read_text()) == tried.answer
    files = {path.name: path.read_text() for path in (tried.folder / "files").iterdir()}
    assert files == {"1-standard-input": FIRST, "2-second.nft": SECOND}
    paths = [tried.folder, *tried.folder.rglob("*")]
    assert len(paths) == 8
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o600}


def test_the_answer_is_what_the_schema_says(tried):
    """Each field, with its words and kinds of values (docs/try.schema.json)."""
    assert problems(tried.answer) == []


def test_an_expectation_that_does_not_hold_is_exit_status_1(tried):
    """The one that holds is told too; a port that only an expectation names is tried."""
    assert tried.status == 1
    assert tried.answer["expectations"] == [
        {"text": "port 8081 over IPv4: 3 per address, rst", "holds": True, "got": "3 per address, rst"},
        {
            "text": "port 9009: 3",
            "holds": False,
            "got": "IPv4 via eth0: nobody, silence; IPv6 via eth0: unlimited",
        },
    ]
    failures = {case.get("name"): case.find("failure") is not None for case in tried.junit.iter("testcase")}
    assert failures == {
        "- loads": False, tried.answer["files"][1]["path"] + " loads": False,
        "port 8081 over IPv4: 3 per address, rst": False, "port 9009: 3": True,
    }  # fmt: skip


def test_the_page_is_beside_the_answer(tried):
    """It says where; at no terminal nothing is opened."""
    assert tried.notices == [
        f"lab: page: runs/{tried.folder.name}/try.html", f"lab: evidence: runs/{tried.folder.name}",
    ]  # fmt: skip
    page = (tried.folder / "try.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "does not hold" in page
    assert "--connlimit-above 3 -j REJECT" in page


def test_standard_input_is_a_file_like_any_other(tried):
    """Its name is `-`, in what decided and in what was read."""
    assert [(file["path"], file["loaded"]) for file in tried.answer["files"][:1]] == [("-", True)]
    row = next(row for row in tried.answer["ports"] if (row["port"], row["family"]) == (8081, 4))
    assert (row["limit"], row["decided_by"]["file"], row["decided_by"]["line"]) == (3, "-", 3)


def test_a_line_is_explained_afterwards(tried):
    """The way of the SYNs that matched it, with their number; the text of the line."""
    lines = {
        line: json.loads(call_lab("explain", "--json", f"-:{line}", "--run", str(tried.folder)).stdout)
        for line in (2, 3, 4, 5)
    }
    assert {found["run"] for found in lines.values()} == {tried.folder.name}
    assert lines[3]["text"] == FIRST.splitlines()[2]
    (rule,) = lines[3]["rules"]
    assert 0 < rule["decided"] <= sum(way["syns"] for way in lines[3]["ways"])
    assert {(way["port"], way["family"]) for way in lines[3]["ways"]} == {(8081, 4)}
    assert [[(step["line"], step["verdict"]) for step in way["way"]] for way in lines[3]["ways"]] == [
        [(3, "reject")]
    ]
    assert all(way["way"][-1]["rule"] == "policy DROP" for way in lines[2]["ways"])
    assert lines[2]["ways"]
    assert (lines[5]["rules"], lines[5]["ways"]) == ([], [])


def test_a_line_of_which_file(tried):
    """Of two files one is named, as typed or by its last part; one that is not there is told, with what there is."""
    explained = call_lab("explain", "second.nft:3", "--run", str(tried.folder))
    assert explained.returncode == 0
    assert "tcp dport 8081 accept" in explained.stdout
    for what, why in (
        ("9", "line 9 of which file?"),
        ("x.nft:3", "x.nft is none of"),
        ("-:6", "- has no line 6: it has 5"),
    ):
        refused = call_lab("explain", what, "--run", str(tried.folder))
        assert (refused.returncode, refused.stdout) == (2, ""), what
        assert refused.stderr.startswith(f"lab: {why}"), refused.stderr


@pytest.mark.variation
def test_a_trial_that_does_not_end_is_ended(tmp_path, monkeypatch):
    """Exit status 4, as data and as an error of JUnit's too; what was seen so far is kept, and nothing runs on."""
    (tmp_path / "first.rules").write_text(FIRST)
    monkeypatch.setattr(machine, "WITHIN", 2.0)  # 5 s with this patience; 5,000 dials take 100
    outputs = ("--json", "--junit", str(tmp_path / "junit.xml"))
    before = len(owned(os.getpid()))
    tried = call_lab("try", str(tmp_path / "first.rules"), "--dials", "5000", "--patience", "1", *outputs)
    answer = json.loads(tried.stdout)
    assert (tried.returncode, answer["exit"], problems(answer)) == (4, 4, [])
    assert answer["error"]["what"] == "the trial did not end within 5 s"
    assert re.fullmatch(r"\d+ of \d+ scenarios were done", answer["error"]["why"])
    assert ElementTree.parse(tmp_path / "junit.xml").getroot().get("errors") == "1"
    folder = HOME / re.search(r"lab: evidence so far: (\S+)", tried.stderr)[1]
    assert {path.name for path in folder.iterdir()} == {"files", "rules.json", "exchanges.jsonl.gz"}
    assert next(kept["request"]["do"] for kept in trial_record.exchanges(folder)) == "load"
    shutil.rmtree(folder)
    until(lambda: len(owned(os.getpid())) == before, "the engine has removed its container", within=20)


def owned(process: int) -> list[dict[str, Any]]:
    """List the containers that a process has to remove, also those that do not run."""
    labels = {"label": f"{idle_host.OWNER}={process}"}
    return list(engine.client().api.containers(all=True, filters=labels))


@pytest.mark.parametrize(
    ("number", "status", "when"),
    then_variations(
        (signal.SIGINT, 130, "created"), (signal.SIGTERM, 143, "running"), (signal.SIGHUP, 129, "running")
    ),
)  # fmt: skip
def test_who_is_ended_leaves_nothing_running(tmp_path, number, status, when):
    """Ctrl-C, kill and a closed terminal, as soon as the container is there or while it works: it is removed."""
    (tmp_path / "first.rules").write_text(FIRST)
    # Under nohup(1) the tests, and all that they start, ignore SIGHUP.
    command = ["env", "--default-signal=HUP", *lab_command("try", str(tmp_path / "first.rules"), "--json")]
    with subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        until(
            lambda: any(each["State"] in (when, "running") for each in owned(process.pid)),
            "its container is there",
            within=60,
        )
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == status
    until(lambda: not owned(process.pid), "the engine has removed it", within=20)
    if number == signal.SIGINT:
        assert json.loads(out) == {
            "schema": 1, "error": {"what": "interrupted", "why": None, "next": None}, "exit": 130,
        }  # fmt: skip


# What is wrong with it: /24, and a limit that comes after the accept.
READ_ME_RULES = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 22 -m connlimit --connlimit-above 3 --connlimit-mask 24 -j REJECT --reject-with tcp-reset
-A INPUT -p tcp -m multiport --dports 22,443 -j ACCEPT
-A INPUT -p tcp --dport 443 --syn -m connlimit --connlimit-above 20 -j DROP
COMMIT
"""


@pytest.mark.variation
def test_the_readme_shows_what_make_try_prints(tmp_path):
    """Its command, with these rules: every word of the example is in the output; the expectation does not hold."""
    (tmp_path / "prod.rules").write_text(READ_ME_RULES)
    example = (HOME / "README.md").read_text().partition("$ make try ")[2].partition("\n$ make up")[0]
    command, _, shown = example.partition("\n")
    tried = run_make("try", *shlex.split(command.replace("prod.rules", f"{tmp_path}/prod.rules")))
    folder = HOME / re.search(r"lab: evidence: (\S+)", tried.stderr)[1]
    answer = json.loads((folder / "try.json").read_text())
    shutil.rmtree(folder)
    assert problems(answer) == []
    assert tried.returncode == 2  # make's own, for a recipe that failed
    assert [expected["holds"] for expected in answer["expectations"]] == [False]
    printed = " ".join(tried.stdout.split())
    parts = [" ".join(part.split()) for part in shown.split(" ...\n")]
    assert len(parts) == 4
    assert [part for part in parts if part not in printed] == [], tried.stdout
