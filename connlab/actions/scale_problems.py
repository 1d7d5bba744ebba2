"""What of the big run's answer is not exactly as the limit promises."""

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
