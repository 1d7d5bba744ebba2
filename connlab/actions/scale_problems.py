"""What of the big run's answer is not exactly as the limit promises, and what the kernel's counters say of why."""

from __future__ import annotations

from typing import Any

from connlab.actions.scale_plan import LIMIT


def problems(answer: dict[str, Any]) -> list[str]:
    """Say what is not exactly as the limit promises; nothing if all is."""
    plan, client, server = answer["plan"], answer["client"], answer["server"]
    checks = (
        (not answer["wrong"], f"{len(answer['wrong'])} sources were not admitted to exactly {LIMIT}"),
        (
            client["outcomes"] == {"established": plan["held"], "refused": plan["refused"]},
            f"the clients saw {client['outcomes']}",
        ),
        (server["rule_packets"] == plan["refused"], f"the rule counted {server['rule_packets']:,} packets"),
        (
            not answer["wrong_in_tables"],
            f"{len(answer['wrong_in_tables'])} sources stand otherwise in the tables",
        ),
        (answer["alive"] == plan["held"], f"{answer['alive']:,} connections gave an echo"),
        (answer["released"] == plan["held"], f"{answer['released']:,} connections were closed"),
        (answer["left"] is not None, f"not empty again: {answer['left_problem']}"),
    )
    return [words for is_right, words in checks if not is_right]


def reasons(answer: dict[str, Any]) -> list[str]:
    """Say what the counters that moved mean for the limit; nothing if none did, or if they mean nothing here."""
    counters, server, plan = answer["counters"], answer["server"], answer["plan"]
    full, more = counters.get("TcpExtListenOverflows", 0), server["rule_packets"] - plan["refused"]
    said = []
    if full:
        said.append(
            f"{full:,} times the accept queue was full (ListenOverflows): the SYN is dropped and sent again after a "
            "second, and holds its slot meanwhile (C10)"
        )
    if full and more > 0:
        said.append(
            f"the rule refused {more:,} SYNs more than were to be: one that is sent again is refused if its source was "
            "refused in between (J07)"
        )
    if (without := server["counted"] - server["sockets"]) > 0:
        states = ", ".join(f"{state} {n:,}" for state, n in server["tracked_states"].items())
        said.append(f"the limit counts {without:,} connections that have no socket; conntrack has {states}")
    return said
