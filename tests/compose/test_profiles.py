"""What the lab says of a profile against what each real Compose makes of it. Needs no engine.

One file with a service for each form, so that each Compose is called once.
"""

import json
import os

import pytest
import yaml

from connlab.cluster import host_files, profile_reader
from tests.support.composes import composes, read_config
from tests.support.processes import run_program
from tests.support.profiles import FORMS, SYSCTLS

AWKWARD = "$ $$ ${PROFILE} ${X:-y} $PROFILE %s {{.Id}} $(x) `y` \"q\" 'q' \\n\n\ttab #c é \U0001f600 end "


pytestmark = pytest.mark.xdist_group("compose")  # who needs their versions first starts all of them


@pytest.fixture(scope="module")
def every_compose():
    """Return every Compose of this machine by its version, asked when a test runs, not in each worker."""
    return composes() or pytest.skip("no Compose is installed")


def test_every_form_means_to_compose_what_it_means_to_us(every_compose, tmp_path):
    """Blanks and tabs apart, which /proc/sys does not tell apart either; each file is found as ours are."""
    services = {}
    for form, text in FORMS.items():
        (tmp_path / f"{form}.yaml").write_text(text)
        services[form] = {"image": "none", "extends": {"file": f"${{FOLDER}}/{form}.yaml", "service": "host"}}
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump({"services": services}))
    environment = os.environ | {"FOLDER": str(tmp_path), "COMPOSE_PROJECT_NAME": "connlab-none"}
    options = ["--project-directory", str(tmp_path), "-f", str(tmp_path / "compose.yaml"), "config"]
    for version, argv in every_compose.items():
        result = run_program([*argv, *options], env=environment)
        assert result.returncode == 0, (version, result.stderr)
        services = yaml.safe_load(result.stdout)["services"]
        passed = {form: host["sysctls"].items() for form, host in services.items()}
        words = {form: {key: " ".join(value.split()) for key, value in keys} for form, keys in passed.items()}
        assert words == dict.fromkeys(FORMS, SYSCTLS), version
    assert [profile_reader.read(text)[0] for text in FORMS.values()] == [SYSCTLS] * len(FORMS)


def test_the_files_of_the_hosts_arrive_unchanged(every_compose):
    """No $ of a policy or a mode is taken for a variable; `config` doubles each for its next reader, all do.

    Without the lab the variable is empty, and what is built is the stage that has the files.
    """
    text = json.dumps({"firewall/x.rules": AWKWARD}, ensure_ascii=False)
    for version, argv in every_compose.items():
        services = read_config(argv, SERVER_FILES=text, CLIENT_FILES="{}")["services"]
        assert services["server"]["environment"][host_files.VARIABLE] == text.replace("$", "$$"), version
        assert services["client"]["environment"][host_files.VARIABLE] == "{}", version
        for service, host in read_config(argv)["services"].items():
            assert host["environment"][host_files.VARIABLE] == "", version
            assert host["build"]["target"] == "plain", version
            assert host["image"] == f"connlab-{service}:plain", version
