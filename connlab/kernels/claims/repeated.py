"""A SYN that is sent again belongs to a dial that was admitted; a later refusal of its source does not refuse it."""

from __future__ import annotations

from connlab.base.errors import LabError
from connlab.base.model import Attempt
from connlab.kernel.measured_kernels import LIMIT
from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims.cell import Cell, E, R, holds

SENTENCE = "Of 9 admitted dials that hang at a full accept queue none is refused, though a later dial is"
BACKLOG = 5  # the queue has room for one more
QUEUED, HANGING = BACKLOG + 1, LIMIT - BACKLOG - 1
TIMEOUT_MS, LATER_MS = (
    3500,
    500,
)  # SYNs are repeated after a second, and again before three and a half are over
RULE = (
    "-p tcp --dport {port} --syn -m connlimit --connlimit-above {limit} --connlimit-mask 32 --connlimit-saddr"
    " -j REJECT --reject-with tcp-reset"
)


def measure(lab: ClaimLab) -> Cell:
    """Have a limit of its own on two ports that nobody accepts at; one source dials once more, the other does not.

    The other one is the control. Raises `LabError` if it is refused too, or the later dial is not.
    """
    with lab.agents.on(lab.itself) as serving:
        ports = [serving.listen(backlog=BACKLOG).port for _ in range(2)]
        for port in ports:
            lab.server.run(["iptables", "-A", "INPUT", *_rule(port)])
        try:
            later, hanging = _dial(lab, ports)
        finally:
            for port in ports:
                lab.server.run(["iptables", "-D", "INPUT", *_rule(port)])
    with_later, control = (sum(attempt.outcome is R for attempt in attempts) for attempts in hanging)
    if later.outcome is not R or control:
        raise LabError(
            f"the later dial was {later.outcome}, and without one {control} of {HANGING} were refused"
        )
    figures = {"hanging": HANGING, "refused": with_later, "refused_without": control}
    return Cell(
        holds(not with_later), figures, f"{with_later} of {HANGING} refused; without the later dial none"
    )


def _dial(lab: ClaimLab, ports: list[int]) -> tuple[Attempt, list[list[Attempt]]]:
    """Fill both queues, dial as many more as the limit admits, and one beyond it from the first source alone."""
    first, second = lab.clients[:2]
    with lab.agents.on(first) as one, lab.agents.on(second) as other, lab.agents.on(first) as eager:
        for agent, port in zip((one, other), ports, strict=True):
            if not all(
                attempt.outcome is E for attempt in agent.open(QUEUED, host=lab.server.address, port=port)
            ):
                raise LabError(f"the accept queue of listen({BACKLOG}) did not take {QUEUED}")
        pending = [
            agent.start_open(
                HANGING, host=lab.server.address, port=port, in_flight=HANGING, timeout_ms=TIMEOUT_MS
            )
            for agent, port in zip((one, other), ports, strict=True)
        ]
        (later,) = eager.open(1, gap_ms=LATER_MS, host=lab.server.address, port=ports[0])
        hanging = [wait() for wait in pending]
        for agent in (one, other, eager):
            agent.close(how="rst")
    return later, hanging


def _rule(port: int) -> list[str]:
    return RULE.format(port=port, limit=LIMIT).split()
