"""`make speed`: what it needs, and the C program that it compiles."""

from __future__ import annotations

import select
import shutil
import socket
import subprocess

import pytest

from bench import speed_ends
from connlab.base.errors import NotFit
from tests.support.ports import free_port


def test_without_a_compiler_it_says_so(monkeypatch, tmp_path):
    """Not fit, with what to install."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(NotFit, match="no C compiler") as refusal:
        speed_ends.compiled(tmp_path)
    assert refusal.value.next_step


@pytest.mark.skipif(not any(map(shutil.which, speed_ends.COMPILERS)), reason="no C compiler")
def test_a_dial_that_fails_ends_the_measurement(tmp_path):
    """Nobody listens: said, with status 1, and no number."""
    argv = [str(speed_ends.compiled(tmp_path)), "dial", "127.0.0.1", str(free_port()), "1", "4", "rst"]
    result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20)
    assert (result.returncode, result.stdout) == (1, "")
    assert "refused" in result.stderr


@pytest.mark.skipif(not any(map(shutil.which, speed_ends.COMPILERS)), reason="no C compiler")
@pytest.mark.parametrize(("how", "begins"), [("fin", True), ("awaited", False)])
def test_the_program_waits_for_the_other_side_s_fin_if_it_is_to(tmp_path, how, begins):
    """One in flight: while the server has not closed its end, the next connection begins, or does not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        argv = [
            str(speed_ends.compiled(tmp_path)),
            "dial",
            "127.0.0.1",
            str(listener.getsockname()[1]),
            "60",
            "1",
            how,
        ]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as program:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(1))
                assert connection.recv(1) == b""
                if not begins:
                    assert not select.select([listener], [], [], 0.2)[0]
                    connection.close()
                listener.accept()[0].close()
            program.kill()
