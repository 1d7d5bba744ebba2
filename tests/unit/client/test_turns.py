"""A host's workload and its agent take turns."""

import select

from tests.unit.client.processes import accept, first, lines, listening, log_events, wait_until_locked


def test_the_workload_waits_for_the_agent(run, agent, echo):
    """While an agent is open no round starts; when it goes, the next one does."""
    process = run("-m", "client", PORT=str(echo), DIALS="1", PERIOD="0.05")
    events = lines(process.stdout)
    first(events, "tally")
    client = agent()
    first(events, "waiting")
    client.ask("open", host="127.0.0.1", port=echo)
    assert not select.select([process.stdout], [], [], 0)[0]
    client.process.stdin.close()
    assert next(events)["event"] == "attempt"


def test_the_agent_waits_for_the_round(run, tmp_path):
    """An agent that comes during a round says hello after its tally."""
    with listening() as (listener, port):
        workload = run("-m", "client", PORT=str(port), DIALS="1", PERIOD="60")
        with accept(listener):
            client = run("-m", "client.agent")
            wait_until_locked(tmp_path / "turn")
        tally = first(lines(workload.stdout), "tally")
        assert next(lines(client.stdout))["agent"] == "connlab"
        assert log_events(client)[0]["ts"] > tally["ts"]
