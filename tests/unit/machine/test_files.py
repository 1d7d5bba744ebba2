"""What travels to a host in its environment: whole, to the letter, and not more than fits."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from connlab.base import settings
from connlab.base.errors import LabError
from connlab.cluster import host_files, images, own_policy
from connlab.machine import files
from server import firewall
from tests.support import menu
from tests.support.files_variable import files_variable
from tests.support.processes import host_python, run_program

HOME = Path(__file__).parents[3]
AWKWARD = "$ $$ ${PORT} $(x) `y` \"q\" 'q' \\n\n\ttab\r\n #c é \U0001f600 \u202e \x01 end"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Make a checkout of one's own: a policy, a profile and two modes."""
    for path, text in {
        "firewall/connlimit.rules": AWKWARD, "sysctl/own.yaml": "services: {host: {sysctls: {net.ipv4.a: 1}}}",
        "sysctl/stock.yaml": "services: {host: {sysctls: {net.ipv4.b: 2}}}",
        "server/modes/threading.py": "A = 1\n", "server/modes/_shared.py": "", "server/modes/__init__.py": "",
    }.items():  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(text.encode())
    monkeypatch.setattr("connlab.cluster.host_files.HOME", tmp_path)
    monkeypatch.setattr("connlab.cluster.profiles.HOME", tmp_path)
    return tmp_path


@pytest.fixture
def lab_settings():
    """Return the menu, and for the clients the profile `own`, which only that checkout has."""
    menu = settings.read({})
    return settings.Settings({**menu.values, "SYSCTL": "stock", "CLIENT_SYSCTL": "own"}, menu.explicit)


def test_each_host_gets_its_own_files_as_they_are(checkout, lab_settings):
    """The server its policy, its profile and every mode, the client its profile."""
    received = files.from_variable(host_files.environment(lab_settings, "server"))
    assert received == {
        "firewall/connlimit.rules": AWKWARD.replace("\r\n", "\n"), "sysctl/stock.conf": "net.ipv4.b = 2\n",
        "server/modes/threading.py": "A = 1\n", "server/modes/_shared.py": "",
    }  # fmt: skip
    assert files.from_variable(host_files.environment(lab_settings, "client")) == {
        "sysctl/own.conf": "net.ipv4.a = 1\n"
    }


def test_a_policy_of_one_s_own_travels_as_it_was_made_ready(checkout, lab_settings, monkeypatch, tmp_path):
    """Not as the file has it; one that was edited since is refused."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "own.sh").write_text("iptables -P INPUT DROP\n")
    mine = settings.Settings({**lab_settings.values, "FIREWALL": str(tmp_path / "own.sh")}, frozenset())
    assert own_policy.kept(mine) is None
    own_policy.keep(mine, {own_policy.RULES: "*filter\n", own_policy.NFT: ""})
    received = files.from_variable(host_files.environment(mine, "server"))
    assert received[firewall.OWN + ".rules"] == "*filter\n"
    assert received[firewall.OWN + ".nft"] == ""
    assert not any(path.startswith("firewall/") for path in received)
    (tmp_path / "own.sh").write_text("iptables -P INPUT ACCEPT\n")
    with pytest.raises(LabError, match=r"own\.sh was edited since(.|\n)*make up"):
        host_files.environment(mine, "server")


def test_what_was_given_comes_before_the_disk(checkout, monkeypatch):
    """Text and name; without the variable there is the disk alone."""
    monkeypatch.setattr(files, "HOME", checkout)
    (checkout / "sysctl/own.conf").write_text("old")
    variable = {
        "CONNLAB_FILES": json.dumps({"sysctl/own.conf": AWKWARD, "sysctl/_no.conf": "", "x/own.conf": ""})
    }
    assert files.text("sysctl/own.conf", variable) == AWKWARD
    assert files.text("sysctl/own.conf", {}) == files.text("sysctl/own.conf", {"CONNLAB_FILES": ""}) == "old"
    assert files.names("sysctl", ".conf", variable) == files.names("sysctl", ".conf", {}) == ["own"]
    assert files.names("x", ".conf", variable) == ["own"]
    with pytest.raises(FileNotFoundError):
        files.text("sysctl/nope.conf", variable)


@pytest.mark.parametrize("text", ["{", "[]", '"x"', '{"a": 1}', "x"])
@pytest.mark.parametrize("machine", ["client", "server"])
def test_a_variable_that_is_none_is_refused(machine, text):
    """Exit status 2 and the variable's name: not somebody else's policy, and no traceback."""
    result = run_program(host_python("-m", machine), env=menu.MENU | {"CONNLAB_FILES": text})
    assert result.returncode == 2
    assert "CONNLAB_FILES is not " in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_the_largest_that_fits_really_fits(checkout, lab_settings):
    """MAX_ARG_STRLEN, to the byte: the kernel starts a program with it, and with one byte more it does not."""
    empty = len(host_files.environment(lab_settings, "client")["CONNLAB_FILES"])
    value = "1" * (host_files.LONGEST - empty + 1)
    (checkout / "sysctl/own.yaml").write_text(f"services: {{host: {{sysctls: {{net.ipv4.a: '{value}'}}}}}}")
    variable = host_files.environment(lab_settings, "client")
    assert len(variable["CONNLAB_FILES"]) == host_files.LONGEST
    assert subprocess.run(["/bin/true"], env=variable, check=False).returncode == 0
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run(["/bin/true"], env={k: v + "1" for k, v in variable.items()}, check=False)

    (checkout / "sysctl/own.yaml").write_text(f"services: {{host: {{sysctls: {{net.ipv4.a: '{value}1'}}}}}}")
    with pytest.raises(
        LabError, match=r"client are 131,058 bytes.*131,057.*MAX_ARG_STRLEN.*own\.conf.*\n  next: "
    ):
        host_files.variables(lab_settings)


def test_one_that_is_no_text_is_named(checkout, lab_settings):
    """A policy that is not UTF-8."""
    (checkout / "firewall/connlimit.rules").write_bytes(b"# \xff")
    with pytest.raises(LabError, match=r"^firewall/connlimit\.rules: it is not UTF-8 \(byte 2\)\n  next: "):
        host_files.variables(lab_settings)


def run_with_files(script: str, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program as a server host's Python would, with these files given to it."""
    return run_program(host_python("-c", script), env={"CONNLAB_FILES": json.dumps(files)})


def test_a_mode_is_imported_from_its_text():
    """One that imports another, neither on any disk; a traceback shows its line."""
    sources = {
        "server/modes/zz_b.py": "X = 1\n",
        "server/modes/zz_a.py": "from server.modes import zz_b\n\n1 / 0  # here\n",
    }
    script = (
        "import traceback\nfrom server import mode_loader\nmode_loader.install()\n"
        "try:\n    import server.modes.zz_a\nexcept ZeroDivisionError:\n    traceback.print_exc()"
    )
    result = run_with_files(script, sources)
    assert 'File "server/modes/zz_a.py", line 3, in <module>' in result.stderr
    assert "1 / 0  # here" in result.stderr
    assert "ZeroDivisionError" in result.stderr


def test_a_text_is_taken_for_a_mode_only():
    """Not for the server's own modules; and a mode that was not given is the disk's."""
    script = "from server import mode_loader; mode_loader.install(); import server.handlers"
    script += "; import server.modes.pool as pool; print(pool.__file__)"
    result = run_with_files(script, {"server/handlers.py": "1/0"})
    assert (result.returncode, result.stdout.strip()) == (0, str(HOME / "server/modes/pool.py"))


def test_only_what_can_be_read_is_of_an_image(tmp_path, monkeypatch):
    """Not an editor's link that leads nowhere, beside a pattern's files or below a folder, and nothing compiled."""
    for name in (
        "server/serve.py",
        "client/agent.py",
        "client/workloads/idle.py",
        "client/__pycache__/agent.pyc",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("server/.#serve.py", "client/.#agent.py", "client/workloads/.#idle.py"):
        (tmp_path / name).symlink_to("somebody@here.1234")
    monkeypatch.setattr(images, "HOME", tmp_path)
    recipe = "COPY client /opt/client\nCOPY server/*.py /opt/server/\n"
    assert [*images.files(recipe)] == ["client/agent.py", "client/workloads/idle.py", "server/serve.py"]


def test_no_image_holds_what_travels():
    """An edited policy, profile or mode is no new image; all else that is copied is one."""
    files_by_image = {service: set(images.files(images.recipe(service))) for service in images.SERVICES}
    assert not [
        path
        for paths in files_by_image.values()
        for path in paths
        if re.match(r"firewall/|sysctl/|server/modes/[^_]", path)
    ]
    shared_file = "connlab/machine/files.py"
    assert {"server/__main__.py", "server/modes/__init__.py", shared_file} < files_by_image["server"]
    assert {"client/agent.py", "client/workloads/idle.py", "client/Dockerfile", shared_file} < files_by_image[
        "client"
    ]
    assert not [path for paths in files_by_image.values() for path in paths if "__pycache__" in path]
    connlab_files = {
        path for paths in files_by_image.values() for path in paths if path.startswith("connlab/")
    }
    assert {path for path in connlab_files if not path.startswith("connlab/machine/")} == set()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def build(\n", "server/modes/own.py, line 1: '(' was never closed"),
        ("\n1 / 0\n", "server/modes/own.py, line 2: ZeroDivisionError: division by zero"),
        (
            "from server.modes import gone\n",
            "server/modes/own.py, line 1: ImportError: cannot import name 'gone'",
        ),
        ("build = 1\n", "server/modes/own.py: it has no function build(settings, connections)"),
        (
            "def build(settings, connections):\n    return settings.none\n",
            "server/modes/own.py, line 2: AttributeError: ",
        ),
    ],
)
def test_a_mode_that_cannot_be_used_is_named_with_its_line(text, why):
    """The server ends with one event and without a traceback; but for what only `build` does, a check says the same."""
    environment = menu.MENU | files_variable(**{"server/modes/own.py": text}) | {"SERVER_MODE": "own"}
    result = run_program(host_python("-m", "server.serve", "-1"), env=environment)
    event = json.loads(result.stdout)
    assert (result.returncode, event["event"], event["mode"], result.stderr) == (1, "mode_failed", "own", "")
    assert event["error"].startswith(why)

    result = run_program(host_python("-m", "server.mode_loader", "own"), env=environment)
    expected = (0, "") if text.startswith("def build(s") else (1, f"{event['error']}\n")
    assert (result.returncode, result.stderr) == expected
