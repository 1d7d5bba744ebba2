"""The `lab` command as a person types it: exit code, words on standard error, data on standard output."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from connlab.cli import main as cli
from connlab.cluster import engine
from connlab.evidence.claims import CLAIMS
from tests.support.charts import drain_chart, write_evidence
from tests.support.processes import run_program
from tests.support.variations import then_variations

HOME = Path(__file__).parents[4]
RULES_FILE = "tests/unit/data/iptables-save.txt"
COMPOSE_FILE = "sysctl/article.yaml"
NOWHERE = "unix:///nonexistent.sock"
LAB = "import sys; from connlab.cli.main import main; sys.argv[0] = 'lab'; main()"


@pytest.fixture
def lab(capsys, monkeypatch, tmp_path):
    """Run the command in this process, on a machine without a Docker engine; exit code and both streams."""
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "connlab-unit")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(
        sys.modules["__main__"], "__package__", None
    )  # Click looks for the command's name there
    engine.client.cache_clear()

    def run(*arguments: str, name: str = "lab") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        return int(exit_.value.code or 0), out, err

    yield run
    engine.client.cache_clear()


def process(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, without an engine."""
    environment = {**os.environ, "DOCKER_HOST": NOWHERE, "COMPOSE_PROJECT_NAME": "connlab-unit"}
    argv = [sys.executable, "-c", LAB, *arguments]
    return subprocess.run(argv, cwd=HOME, env=environment, text=True, check=False, **options)


@pytest.mark.parametrize("number", ["-1", "abc", "1001", "3; rm -rf x", "", "1.5", "1e2"])
def test_scale_takes_a_number_of_hosts(lab, number):
    """What is no number from 0 to 1000 is refused with the reason and the next step, and runs nothing."""
    status, out, err = lab("scale", "--", number)
    assert (status, out) == (2, "")
    assert err.startswith(
        f"lab: N={number!r} is not a whole number from 0 to 1000: a Linux bridge has 1,023 ports"
    )
    assert "next: make scale-clients N=20" in err


@pytest.mark.parametrize("service", ["nope", "", "server-1"])
def test_logs_knows_two_services(lab, service):
    """A service that is none is refused, with what there is."""
    assert lab("logs", "-s", service) == (2, "", f"lab: no service {service!r}; there are: server, client\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["attempt", "--client", ""], ["attempt", "--count", ""], ["attempt", "--hold", ""], ["talk", "--client", ""],
        ["sockets", "--client", ""], ["connect", ""], ["connect", "server", ""], ["connect", "--timeout", ""],
        ["scale", ""], ["logs", "--service", ""], ["logs", "--follow="], ["logs", "--follow=yes"],
        ["claims", "--run", ""], ["effects", "--run", ""], ["pages", "--run", ""], ["report", ""],
    ],
)  # fmt: skip
def test_an_empty_option_is_not_its_default(lab, arguments):
    """`make attempt COUNT=$n` where $n was never set: said, not guessed; before an engine is asked."""
    status, out, err = lab(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("lab: ")
    assert "''" in err or "'yes'" in err


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--count", "0", "1 to 20000"), ("--count", "20001", "1 to 20000"), ("--count", "ten", "1 to 20000"),
        ("--client", "0", "1 to 1000"), ("--hold", "-1", "0 to 86400"), ("--hold", "1.5", "0 to 86400"),
    ],
)  # fmt: skip
def test_attempt_takes_numbers(lab, option, value, allowed):
    """Each option says its name, the value, and the range."""
    status, out, err = lab("attempt", option, value)
    assert (status, out, err) == (
        2,
        "",
        f"lab: {option[2:]}={value!r} is not a whole number from {allowed}\n",
    )


@pytest.mark.parametrize("verb", [["up"], ["doctor"]])
def test_a_bad_knob_is_refused_by_the_verbs_that_use_it(lab, monkeypatch, verb):
    """A typing error in FIREWALL is told with the policies that exist, before anything is touched."""
    monkeypatch.setenv("FIREWALL", "conlimit")
    status, out, err = lab(*verb)
    policies = ", ".join(sorted(path.stem for path in HOME.glob("firewall/*.rules")))
    assert (status, out) == (2, "")
    assert err == f"lab: FIREWALL='conlimit' names no file firewall/*.rules; there are: {policies}\n"


@pytest.mark.parametrize("verb", [["down"], ["status"]])
def test_a_bad_knob_does_not_stop_a_verb_that_does_not_use_it(lab, monkeypatch, verb):
    """It gets as far as the engine, which is not there."""
    monkeypatch.setenv("FIREWALL", "conlimit")
    monkeypatch.setenv("CONNLIMI", "1")
    status, _, err = lab(*verb)
    assert (status, err.partition(":")[2][:31]) == (3, " cannot reach the Docker engine")


@pytest.mark.parametrize("verb", [["up"], ["down"], ["status"], ["claims"], ["report"]])
def test_a_misspelt_word_after_make_is_refused_by_every_verb(lab, monkeypatch, verb):
    """`make down PROJECT=x` would else take down another lab than the one that was meant."""
    monkeypatch.setenv("CONNLAB_MAKE_NAMES", "CONLIMIT")
    assert lab(*verb) == (
        2, "", "lab: make was given CONLIMIT, which is no knob and no option; CONNLIMIT is one\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "goals", "name"),
    [("status", "status", "CLIENT"), ("up", "up", "COUNT"), ("typed", "unit lint", "N")],
)
def test_an_option_of_another_verb_is_refused(lab, monkeypatch, verb, goals, name):
    """Exit status 2, before the engine is asked; with a goal that takes it there is no complaint."""
    monkeypatch.setenv("CONNLAB_MAKE_NAMES", name)
    monkeypatch.setenv("CONNLAB_MAKE_GOALS", goals)
    status, out, err = lab(verb)
    assert (status, out) == (2, "")
    assert err.startswith(f"lab: make was given {name}, which is an option of ")
    monkeypatch.setenv("CONNLAB_MAKE_GOALS", f"{goals} attempt scale-clients")
    assert lab(verb)[0] == (0 if verb == "typed" else 3)


@pytest.mark.parametrize("verb", [["up"], ["status"], ["attempt"], ["scale", "3"]])
def test_without_an_engine_the_machine_is_not_fit(lab, verb):
    """Exit status 3, one sentence and the next step; no traceback."""
    status, out, err = lab(*verb)
    assert (status, out) == (3, "")
    assert err.startswith("lab: cannot reach the Docker engine: ")
    assert "\n  next: is the engine running?" in err


# Verbs whose output is data too, with what they need to get as far as the engine.
DATA = {
    verb: []
    for verb, command in cli.lab.commands.items()
    if any("--json" in option.opts for option in command.params)
}
DATA |= {"scale": ["3"], "try": [RULES_FILE], "explain": ["C03"]}
EVIDENCE = {"claims", "effects", "explain", "report", "pages"}  # they ask no engine


@pytest.mark.parametrize("verb", sorted(DATA.keys() - EVIDENCE - {"doctor"}))
def test_without_an_engine_there_is_data_too(lab, verb):
    """One object, with the parts of what standard error says."""
    status, out, err = lab(verb, "--json", *DATA[verb])
    answer = json.loads(out)
    assert (status, answer["schema"], answer["exit"]) == (3, 1, 3)
    assert answer["error"]["what"] == "cannot reach the Docker engine"
    assert answer["error"]["next"].startswith("is the engine running?")
    assert answer["error"]["why"] in err


@pytest.mark.parametrize("verb", sorted(DATA))
@pytest.mark.parametrize("wrong", [["--json", "--no-such"], ["--no-such=1", "--json"]])
def test_a_bad_option_is_data_too(lab, verb, wrong):
    """Whichever comes first; exit status 2."""
    status, out, _ = lab(verb, *wrong, *DATA[verb])
    answer = json.loads(out)
    assert "--no-such" in answer["error"].pop("what")
    assert answer == {"schema": 1, "error": {"why": None, "next": f"lab {verb} --help"}, "exit": 2}
    assert status == 2


@pytest.mark.parametrize("verb", sorted(EVIDENCE))
def test_no_run_is_data_too(lab, verb):
    """The verbs that read evidence."""
    where = {"report": ["runs/never"], "explain": ["9", "--run", "runs/never"]}.get(
        verb, ["--run", "runs/never"]
    )
    status, out, _ = lab(verb, "--json", *where)
    what = f"{HOME}/runs/never is no trial" if verb == "explain" else "'runs/never' is no run"
    assert (status, json.loads(out)["error"]["what"]) == (2, what)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ([], "there is nothing to try"),
        (["--of-make"], "there is nothing to try"),
        (["--of-make", "--", ""], "RULES='' names no file"),
        ([""], "'' cannot be read"),
        (["no-such.rules"], "no-such.rules cannot be read: No such file or directory"),
        (["tests"], "tests cannot be read: Is a directory"),
        (["-", "-"], "standard input is one file"),
        ([RULES_FILE, "--port", "0"], "port='0' is not a whole number from 1 to 65535"),
        ([RULES_FILE, "--port", "65536"], "port='65536' is not"),
        ([RULES_FILE, "--dials", "1e3"], "dials='1e3' is not"),
        ([RULES_FILE, "--listen", "-1"], "listen='-1' is not"),
        ([RULES_FILE, "--patience", "nan"], "patience=nan is no number of seconds"),
        ([RULES_FILE, "--expect", ""], "--expect '' is neither an expectation nor a file"),
        ([RULES_FILE, "--expect", "port 443: 20 pr"], "--expect: 'port 443: 20 pr' is not understood: column 14"),
        ([RULES_FILE, "--kernel", ""], "no kernel is named"),
        ([RULES_FILE, "--kernel", " , "], "no kernel is named"),
        ([COMPOSE_FILE, "--kernel", "6.12.57"], f"{COMPOSE_FILE} is compose: an engine sets its keys"),
        ([RULES_FILE, "--junit", "no/such/folder.xml"], "--junit 'no/such/folder.xml' cannot be written"),
        ([RULES_FILE, "--junit", ""], "--junit '' cannot be written"),
        (["/dev/null"], "/dev/null says nothing"),
        (["/dev/zero"], "/dev/zero has more than 2,097,152 bytes"),
        (["README.md"], "README.md is of no form that is known here"),
    ],
)  # fmt: skip
def test_try_refuses_before_an_engine_is_asked(lab, arguments, what):
    """Exit status 2, the sentence, and the way on; nothing on standard output."""
    status, out, err = lab("try", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"lab: {what}"), err
    assert "\n  next: " in err or " is not" in err, "the way on, unless the words say what is right"


def test_make_try_has_options_that_are_knobs_elsewhere(lab, monkeypatch, tmp_path):
    """SYSCTL and PORT of make's command line are files and ports; several stand with blanks between."""
    (tmp_path / "a b.rules").write_text("*filter\nCOMMIT\n")
    monkeypatch.setenv("SYSCTL", f"{tmp_path}/x.conf {tmp_path}/y.conf")
    monkeypatch.setenv("PORT", "443 0")
    status, _, err = lab("try", "--of-make", "--", f"{tmp_path}/a b.rules")
    assert (status, err) == (2, "lab: PORT='443 0' is not a whole number from 1 to 65535\n")
    monkeypatch.setenv("CONNLAB_MAKE_NAMES", "RULES SYSCTL PORT")
    status, _, err = lab("try", "--of-make", "--", f"{tmp_path}/a b.rules")
    assert (status, err) == (2, "lab: PORT='0' is not a whole number from 1 to 65535\n")
    monkeypatch.setenv("PORT", "443 8443")
    assert lab("try", "--of-make", "--", f"{tmp_path}/a b.rules")[2].startswith(
        f"lab: {tmp_path}/x.conf cannot be read: "
    )
    for name in ("x.conf", "y.conf"):
        (tmp_path / name).write_text("net.core.somaxconn = 9\n")
    status, _, err = lab("try", "--of-make", "--", f"{tmp_path}/a b.rules")
    assert (status, err.partition(":")[2][:31]) == (3, " cannot reach the Docker engine")


@pytest.mark.parametrize(("file", "status"), [(RULES_FILE, 3), ("/dev/null", 2)])
def test_a_ci_server_reads_why_there_was_no_trial(lab, tmp_path, file, status):
    """An error in JUnit's XML, instead of no file."""
    assert lab("try", file, "--junit", str(tmp_path / "junit.xml"))[0] == status
    assert ' errors="1"' in (tmp_path / "junit.xml").read_text()


def test_who_talks_and_who_completes_have_no_data():
    """All others have; `typed` is for make, and does nothing."""
    assert cli.lab.commands.keys() - DATA.keys() == {"completion", "talk", "typed"}


def test_an_engine_that_stands_still_is_said_to(lab, monkeypatch, tmp_path):
    """It takes the call and never answers: a deadline, and the next step is to restart it, not to start it."""
    monkeypatch.setattr(engine, "ANSWERS_WITHIN", 0.1)
    with socket.socket(socket.AF_UNIX) as still:
        still.bind(str(tmp_path / "engine"))
        still.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine")
        status, out, err = lab("status")
    assert (status, out) == (3, "")
    words = f"unix://{tmp_path}/engine: it took the call and did not answer within 0.1 s\n"
    assert err.startswith(f"lab: cannot reach the Docker engine: {words}")
    assert "\n  next: restart the engine: " in err


def test_down_without_an_engine_is_not_fit_either():
    """`make down` says the same, instead of what Compose says."""
    result = process("down", capture_output=True)
    assert "Traceback" not in result.stderr
    assert "\n  next: " in result.stderr
    assert result.returncode == 3


def test_doctor_without_an_engine(lab):
    """Every line has its fix; the answer is 3, as data too."""
    status, out, _ = lab("doctor")
    assert status == 3
    assert "FAIL  docker - cannot reach the Docker engine" in out
    assert "fix: is the engine running?" in out
    status, out, _ = lab("doctor", "--json")
    answer = json.loads(out)
    assert (status, answer["schema"], [check["result"] for check in answer["checks"]]) == (3, 1, ["FAIL"])


@pytest.mark.parametrize(
    "arguments", [["--no-such"], ["no-such"], ["scale"], ["up", "extra"], ["completion", "tcsh"]]
)
def test_what_the_command_does_not_know_is_usage(lab, arguments):
    """Exit status 2, and standard output stays empty."""
    status, out, err = lab(*arguments)
    assert (status, out) == (2, "")
    assert "Usage: lab" in err


@pytest.mark.xdist_group("drawing")  # see tests/unit/connlab/report/test_report.py
def test_report_prints_where_the_pages_are(lab, tmp_path):
    """A path a line, or data; the run's folder is where they are, and no engine is asked."""
    write_evidence(tmp_path, "test_drain", "chart-drain", drain_chart())
    page = tmp_path / "time-wait.html"
    assert lab("report", str(tmp_path)) == (0, f"{page}\n", "")
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads(lab("report", "--json", str(tmp_path))[1]) == {
        "schema": 1, "run": tmp_path.name, "pages": [{"family": "time-wait", "path": str(page)}],
    }  # fmt: skip


def test_pages_are_written_from_a_whole_run_only(lab, tmp_path):
    """What is missing, and the next step; the pages of the checkout stay as they are."""
    before = (HOME / "README.md").read_text()
    (tmp_path / "machine.json").write_text("{}")
    status, out, err = lab("pages", "--run", str(tmp_path))
    assert (status, out) == (1, "")
    assert err.startswith(
        f"lab: {len(CLAIMS)} of {len(CLAIMS)} claims were not judged: backlog-limits-connections, "
    )
    assert err.endswith("\n  next: make test-all\n")
    assert (HOME / "README.md").read_text() == before


def test_report_says_what_it_cannot_draw(lab, tmp_path):
    """No run, no charts: usage. A chart that it does not understand: the file, and nothing is drawn."""
    status, out, err = lab("report", "runs/never")
    assert (status, out) == (2, "")
    assert err == "lab: 'runs/never' is no run\n  next: make test, which leaves one in runs/\n"
    assert lab("report", str(tmp_path))[0] == 2
    (tmp_path / "machine.json").write_text("{}")
    assert lab("report", str(tmp_path))[0] == 2
    write_evidence(tmp_path, "test_drain", "chart-drain", {"schema": 1, "shape": "steps"})
    status, out, err = lab("report", str(tmp_path))
    assert (status, out) == (1, "")
    assert err.startswith(
        f"lab: {tmp_path}/test_drain/chart-drain.json: a chart of an older version of connlab"
    )
    assert "\n  next: run its test again" in err


def test_help_does_not_wait_for_docker():
    """`lab --help`, and every completion, is spared the import of the Docker SDK and of rich."""
    script = LAB.replace("main()", "\ntry: main()\nfinally: print(*sorted(sys.modules), file=sys.stderr)")
    result = run_program([sys.executable, "-c", script, "--help"], check=True)
    assert "scale" in result.stdout
    imported = set(result.stderr.split())
    assert "connlab.base.settings" in imported
    assert not imported & {"docker", "requests", "urllib3", "rich", "yaml"}


@pytest.mark.parametrize("verb", sorted(cli.lab.commands))
def test_every_verb_has_help(lab, verb):
    """And -h is --help."""
    status, out, _ = lab(verb, "-h")
    assert status == 0
    assert out.startswith(f"Usage: lab {verb}")
    assert cli.lab.commands[verb].help in " ".join(out.split())


def test_help_has_the_default_and_the_range_of_a_number(lab):
    """As Click shows those of its own numbers."""
    assert "[default: 20; 1<=x<=20000]" in " ".join(lab("attempt", "--help")[1].split())


@pytest.mark.parametrize(
    ("name", "verb"), [("COUNT", "attempt"), ("IN_FLIGHT", "truth-at-scale"), ("RUN", "claims")]
)
def test_an_option_of_make_in_the_environment_is_told(lab, monkeypatch, name, verb):
    """`IN_FLIGHT=64 lab truth-at-scale` dialled one at a time without a word; from make it is handed on."""
    monkeypatch.setenv(name, "64")
    words = f"lab: the environment has {name}, which make alone reads; lab {verb} --help says how it is given here"
    assert words in lab(verb)[2]
    assert words not in lab("doctor")[2]
    monkeypatch.setenv("CONNLAB_MAKE_GOALS", verb)
    assert words not in lab(verb)[2]


@pytest.mark.parametrize("name", ["lab", "connlab"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_of_the_name_that_was_typed(lab, shell, name):
    """The script that the shell evaluates; `connlab completion bash` completed `lab` alone."""
    status, out, err = lab("completion", shell, name=name)
    assert (status, err) == (0, "")
    assert f"_{name.upper()}_COMPLETE" in out
    assert re.search(rf"^\s*(complete .*|compdef \S+) {name}\b", out, re.MULTILINE)


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
@pytest.mark.parametrize("name", then_variations("lab", "connlab"))
def test_bash_completes_a_verb(name):
    """With the script evaluated and a verb begun."""
    program = Path(sys.executable).with_name(name)
    script = (
        f'eval "$({program} completion bash)"; COMP_WORDS=(x stat) COMP_CWORD=1; _{name}_completion {program}'
    )
    result = run_program(["bash", "-c", f'{script}; echo "${{COMPREPLY[@]}}"'])
    assert (result.stdout, result.stderr) == ("status\n", "")


@pytest.mark.parametrize(
    "arguments", then_variations(["doctor"], ["doctor", "--json"], ["--help"], ["completion", "bash"])
)
def test_a_reader_who_has_seen_enough_is_no_error(arguments):
    """`lab doctor | head -1`: no traceback, no complaint, whoever flushes last; a verb has not failed."""
    reader, writer = os.pipe()
    os.close(reader)
    result = process(*arguments, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert result.stderr == ""
    assert result.returncode == (arguments == ["--help"])  # which Click itself prints


@pytest.mark.parametrize(
    "arguments",
    then_variations(["doctor"], ["claims"], ["doctor", "--json"], ["--help"], ["completion", "bash"]),
)
def test_a_full_disk_is_said(arguments, tmp_path):
    """`lab doctor > report` where there is no room: one sentence and exit status 3, whoever flushes last."""
    (tmp_path / "machine.json").write_text("{}")
    with Path("/dev/full").open("w") as full:
        result = process(*arguments, *(["--run", str(tmp_path)] * (arguments == ["claims"])), stdout=full,
                       stderr=subprocess.PIPE)  # fmt: skip
    assert result.stderr == "lab: this machine refuses: No space left on device\n  next: df; ulimit -a\n"
    assert result.returncode == 3


@pytest.mark.parametrize("encoding", then_variations("ascii", "latin-1", "utf-8"))
def test_a_letter_that_the_locale_has_not_is_no_error(encoding, tmp_path, monkeypatch):
    """It is escaped, in tables and sentences: a word is never the end of a command."""
    (tmp_path / "test_a").mkdir()
    verdict = {"claim": "type-five", "verdict": "holds", "evidence": "größer, 日本", "test": "t"}
    (tmp_path / "test_a/verdict.json").write_text(json.dumps(verdict))
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    for verb in ("claims", "effects"):
        result = process(verb, "--run", str(tmp_path), capture_output=True, encoding=encoding)
        assert (result.returncode, result.stderr) == (0, "")
        if verb == "claims":
            assert "größer, 日本".encode(encoding, "backslashreplace").decode(encoding) in result.stdout
