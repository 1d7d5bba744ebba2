"""A guest's host: an emulated kernel that hangs is given up."""

from __future__ import annotations

import pytest

from connlab.cluster.host import Host
from connlab.kernels.guest_host import ENDS_WITHIN, GuestHost


@pytest.mark.parametrize(("given", "waits"), [(None, ENDS_WITHIN), (3.0, 3.0)])
def test_a_command_has_a_time_in_which_it_ends(monkeypatch, given: float | None, waits: float) -> None:
    """A container whose guest hangs stays, and a command without a limit waited for as long as it did."""
    asked: list[float | None] = []
    monkeypatch.setattr(Host, "run", lambda host, argv, user, within: asked.append(within))
    GuestHost("id", "6.12.118", 1, "", "running", "").run(["true"], within=given)
    assert asked == [waits]
