"""What an nft text includes: files that were brought, those below its folder, and nothing else of the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from connlab.base.errors import Usage
from connlab.cli.verbs.trial_request import Typed, request
from connlab.trial.files.forms import Input
from connlab.trial.files.includes import taken_in
from connlab.trial.files.messages import where_it_stands

RULES = "table inet f {\n chain in {\n  tcp dport 443 accept\n }\n}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "etc/d").mkdir(parents=True)
    (tmp_path / "etc/d/a.nft").write_text("define A = 1\ndefine B = 2\n")
    (tmp_path / "etc/d/b.nft").write_text("define C = 3\n")
    (tmp_path / "out.nft").write_text("define SECRET = 4\n")
    (tmp_path / "etc/d/way.nft").symlink_to(tmp_path / "out.nft")
    return tmp_path / "etc"


def whole(folder: Path, text: str, *others: tuple[str, str]) -> tuple[Input, list[str]]:
    main = Input(str(folder / "main.nft"), "nft", text)
    (made, *left), read_too = taken_in([main, *(Input(path, "nft", text) for path, text in others)])
    assert left == []
    return made, [Path(each.path).name for each in read_too]


@pytest.mark.parametrize(
    ("word", "read_too"),
    [
        ('"d/a.nft"', ["a.nft"]),
        ('"./d/a.nft"', ["a.nft"]),
        ("'d/a.nft';  # of A and B", ["a.nft"]),
        ('"d/[ab].nft"', ["a.nft", "b.nft"]),
        ('"{}/d/b.nft"', ["b.nft"]),
        ('"d/*.nft"', ["a.nft", "b.nft"]),  # not what a link leads to
        ('"d/way.nft"', []),
        ('"../out.nft"', []),
        ('"{}/../out.nft"', []),
        ('"/etc/passwd"', []),
        ('"d"', []),
        ('"."', []),
        ('"d/**/a.nft"', []),
        (f'"{"x" * 300}"', []),
        ('"d/none.nft"', []),
    ],
)
def test_what_is_below_the_folder_of_the_file_is_read(word, read_too, folder):
    """By its name or by wildcards; what is elsewhere stays a line for nft."""
    text = f"include {word.format(folder)}\n{RULES}"
    made, found = whole(folder, text)
    assert found == read_too
    assert "SECRET" not in made.text
    assert (made.text == text) is (not read_too)


def test_each_line_keeps_its_place(folder):
    """In its own file, and in the file that was brought."""
    made, _ = whole(folder, f'# first\ninclude "d/*.nft"\n{RULES}')
    assert made.text == f"# first\ndefine A = 1\ndefine B = 2\ndefine C = 3\n{RULES}"
    places = [(Path(line.file).name, line.line, line.at) for line in made.origins[:5]]
    assert places == [
        ("main.nft", 1, 1),
        ("a.nft", 1, 2),
        ("a.nft", 2, 2),
        ("b.nft", 1, 2),
        ("main.nft", 3, 3),
    ]
    told = where_it_stands({"line": 3, "text": "nft: x"}, made)
    assert (told["line"], told["text"]) == (2, f"{folder}/d/a.nft:2: nft: x")
    told = where_it_stands({"line": 5, "text": "nft: x"}, made)
    assert (told["line"], told["text"]) == (3, "nft: x")


def test_what_was_brought_beside_it_is_taken_in_and_not_loaded_again(folder):
    """By the last part of its name, wherever it lies; then nothing is read of the disk."""
    made, found = whole(folder, f'include "/etc/nft/a.nft"\n{RULES}', ("/tmp/x/a.nft", "define A = 9\n"))
    assert (made.text, found) == (f"define A = 9\n{RULES}", [])
    piped = Input("-", "nft", f'include "./d/a.nft"\n{RULES}')
    assert taken_in([piped]) == ([piped], [])


def test_a_file_that_includes_itself_is_refused(folder):
    """By a way round, too."""
    (folder / "d/a.nft").write_text('include "d/b.nft"\n')
    (folder / "d/b.nft").write_text('include "d/a.nft"\n')
    with pytest.raises(Usage, match=r"b.nft:1 includes .*a.nft again"):
        whole(folder, f'include "d/a.nft"\n{RULES}')


def test_a_file_of_definitions_need_not_be_known_by_itself(folder):
    """It is one of nft because another includes it; with --set its own lines are counted."""
    (folder / "main.nft").write_text(f'include "d/a.nft"\n{RULES}')
    asked = request(Typed(files=[str(folder / "main.nft"), str(folder / "d/a.nft")]), of_make=False)
    assert [Path(each.path).name for each in asked.inputs] == ["main.nft"]
    assert [Path(each.path).name for each in asked.brought] == ["main.nft", "a.nft"]
    alone = request(Typed(files=[str(folder / "main.nft")]), of_make=False)
    assert [Path(each.path).name for each in alone.brought] == ["main.nft", "a.nft"]
    with pytest.raises(Usage, match="of no form"):
        request(Typed(files=[str(folder / "d/a.nft")]), of_make=False)
