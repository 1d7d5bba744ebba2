"""Reading what may be no file: pipes of a shell, named pipes, devices."""

from __future__ import annotations

import os

import pytest

from connlab.base.errors import Usage
from connlab.trial.files.reading import read


def test_a_named_pipe_to_which_nobody_writes_is_refused(tmp_path):
    """After a while, not never."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Usage, match="gives nothing more"):
        read(str(tmp_path / "pipe"), 100, patience=0.01)


def test_an_unnamed_pipe_is_read_to_its_end_however_late():
    """As a shell makes one for `<(...)`; there is no patience at all here."""
    reads, writes = os.pipe()
    os.write(writes, b"-A INPUT")
    os.close(writes)
    assert read(f"/dev/fd/{reads}", 100, patience=0) == b"-A INPUT"
    os.close(reads)


def test_a_file_without_an_end_is_read_as_far_as_asked():
    """It has more than that."""
    assert read("/dev/zero", 100) == bytes(100)


def test_a_folder_cannot_be_read(tmp_path):
    """Nor what is not there; each with what to bring instead."""
    with pytest.raises(Usage, match="Is a directory") as folder:
        read(str(tmp_path), 100)
    with pytest.raises(Usage, match="No such file") as nothing:
        read(str(tmp_path / "none"), 100)
    with pytest.raises(Usage, match="null byte") as nul:
        read("a\0b", 100)
    assert [each.value.next_step for each in (folder, nothing, nul)] == [
        f"name a file {words}, or pipe its text: lab try -"
        for words in ("in that folder", "that is there", "that can be read")
    ]
