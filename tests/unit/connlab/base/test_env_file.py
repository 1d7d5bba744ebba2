"""`.env` that is missing or damaged: what is said, and which verbs go on without it."""

from __future__ import annotations

import re

import pytest

from connlab.base import env_file, settings
from connlab.base.errors import Usage

DAMAGED = [
    (None, r".env is missing\n  next: git checkout .env"),
    (b"PORT=1\nGREETING=\xff\n", r".env, line 2: not UTF-8\n  next: mend the line, or git checkout .env"),
    (b"PORT=1\n\nGREETING=a\0b\n", r".env, line 3: has a NUL character\n  next: mend the line"),
    (b"PORT 1\n", r".env: 'PORT 1' is not NAME=value"),
    ("a folder", ".env cannot be read: Is a directory"),
]


@pytest.mark.parametrize(("content", "message"), DAMAGED)
def test_a_damaged_file_is_told_with_the_way_back(tmp_path, content, message):
    """Which file, which line, and what to do; exit status 2."""
    (tmp_path / "compose.yaml").touch()  # so it is a checkout, also without .env
    damage(tmp_path / ".env", content)
    with pytest.raises(Usage, match=message) as refusal:
        settings.read({}, tmp_path)
    assert refusal.value.status == 2


@pytest.mark.parametrize(("content", "message"), DAMAGED)
def test_who_needs_only_the_name_of_the_lab_goes_on(tmp_path, content, message):
    """If the shell gives it; else the refusal says what is wrong with the file, and how to name the lab."""
    (tmp_path / "compose.yaml").touch()  # so it is a checkout, also without .env
    damage(tmp_path / ".env", content)
    assert settings.unchecked({"COMPOSE_PROJECT_NAME": "mine", "PORT": "x"}, tmp_path).project == "mine"
    first = message.partition(r"\n")[0]
    with pytest.raises(
        Usage, match=rf"^which lab is not known: .*{first}\n  next: .*COMPOSE_PROJECT_NAME=connlab"
    ):
        settings.unchecked({}, tmp_path)


def test_a_name_in_a_file_with_bad_knobs(tmp_path):
    """Nothing but the name is looked at; a bad name is refused."""
    (tmp_path / ".env").write_text("COMPOSE_PROJECT_NAME=mine\nPORT=http\nFIREWALL=nope\nCONLIMIT=3\n")
    assert settings.unchecked({"SYSCTL": "nope"}, tmp_path).project == "mine"
    with pytest.raises(Usage, match=re.escape("COMPOSE_PROJECT_NAME='a b' is not a project name")):
        settings.unchecked({"COMPOSE_PROJECT_NAME": "a b"}, tmp_path)
    (tmp_path / ".env").write_text("PORT=1\n")
    with pytest.raises(Usage, match=r"which lab is not known: .* does not name it"):
        settings.unchecked({}, tmp_path)


def test_carriage_returns_and_blanks_are_no_part_of_a_value(tmp_path):
    """A file that an editor of another system has written."""
    (tmp_path / ".env").write_bytes(b"# a comment\r\n  PORT=1 \r\n\r\nGREETING='a=b'\r\n")
    assert env_file.read(tmp_path / ".env") == {"PORT": "1", "GREETING": "a=b"}


def damage(path, content) -> None:
    if content == "a folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
