"""docs/try-in-ci.md: its files are tried by the commands of its jobs, as a CI server would run them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from connlab.base.settings import HOME

PAGE = HOME / "docs/try-in-ci.md"
# The lab itself is here already.
SET_UP = ('git clone --depth 1 "$CONNLAB" connlab', "make -C connlab .venv/.ready")


def files() -> dict[str, str]:
    """Return the files of the page: the first line of a block names one."""
    blocks = re.findall(r"^```(?:text|yaml)\n# (\S+)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return dict(blocks)


def jobs() -> dict[str, dict[str, Any]]:
    """Return the job of each CI server."""
    page = files()
    return {
        "GitHub": yaml.safe_load(page[".github/workflows/firewall.yml"])["jobs"]["try"],
        "GitLab": yaml.safe_load(page[".gitlab-ci.yml"])["firewall"],
    }


def commands() -> dict[str, list[str]]:
    """Return the commands of each job."""
    github = [step["run"] for step in jobs()["GitHub"]["steps"] if "run" in step]
    return {"GitHub": github, "GitLab": jobs()["GitLab"]["script"]}


def test_both_jobs_try_the_same():
    """After the set-up, one command, whose XML and evidence are kept whatever it says."""
    tried = {name: [line for line in lines if line not in SET_UP] for name, lines in commands().items()}
    assert tried["GitHub"] == tried["GitLab"]
    assert len(tried["GitHub"]) == 1
    assert {len(lines) for lines in commands().values()} == {2, 3}
    upload = jobs()["GitHub"]["steps"][-1]
    assert upload["if"] == "always()"
    artifacts = jobs()["GitLab"]["artifacts"]
    assert (artifacts["when"], artifacts["reports"]["junit"]) == ("always", "lab-try.xml")
    assert upload["with"]["path"].split() == artifacts["paths"] == ["lab-try.xml", "connlab/runs/*-try/"]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository with the files of the page, and the lab beside them."""
    folder = tmp_path_factory.mktemp("repository")
    for name, text in files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "connlab").symlink_to(HOME)
    return folder


@pytest.mark.variation
def test_the_files_of_the_page_are_tried_by_its_command(repository):
    """It ends with 0, every expectation holds, and what the job keeps is there."""
    (command,) = [line for line in commands()["GitLab"] if line not in SET_UP]
    done = subprocess.run(
        ["bash", "-e", "-c", command], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    folder = Path(done.stderr.rpartition("evidence: ")[2].strip())
    assert (folder.parent, folder.name[-4:]) == (HOME / "runs", "-try")
    shutil.rmtree(folder)
    suite = ElementTree.parse(repository / "lab-try.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("5", "0", "0")
    names = [case.get("name") for case in suite.iter("testcase")]
    assert names[0] == "rules/prod.rules loads"
    assert names[1:3] == ["port 443: 20 per /24, silence", "port 22: nobody"]
