"""A client host of connlab: it dials the server, by itself (workloads) or at the lab's order (agent).

Runs in a container as PID 1, standard library only. What it says: docs/events.md. What it is told:
docs/agent.md.
"""
