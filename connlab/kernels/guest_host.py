"""A host that is a network namespace of a guest: what is run on it is run by the guest's own process (kernels/)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from connlab.cluster.host import Host
from connlab.cluster.stream import Stream

ENTER = ["python3", "-S", "-E", "-m", "kernels.enter"]


@dataclass(frozen=True)
class GuestHost(Host):
    """A namespace, or the guest itself where it has none; `id` is the container around the guest."""

    namespace: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    account: int | None = None  # who runs commands; None is root

    # Beside six workers of the tests and two other guests an agent had not started after 30 s; alone it takes 2.
    # Its server has as long to start.
    patience: ClassVar[float] = 180.0

    @property
    def key(self) -> tuple[str, ...]:
        """All hosts of a guest have its container, and each a namespace of its own."""
        return self.id, self.namespace or ""

    def _start(
        self, argv: Sequence[str], user: str, *, stdin: bool, told: Sequence[str] = ()
    ) -> tuple[str, Stream]:
        account = None if user in ("0", "root") else int(user.partition(":")[0]) if user else self.account
        request = {
            "argv": list(argv), "namespace": self.namespace, "environment": dict(self.environment), "user": account,
            "stdin": stdin,
        }  # fmt: skip
        return super()._start([*ENTER, json.dumps(request)], "", stdin=stdin, told=told or argv)
