"""Sample this host once: run each command given, ask the server, and print all answers as one JSON array.

`python3 -m server.sample '["account"]' '["ss","-tan"]' '["conntrack","-L"]'`: one `docker exec` instead of six,
and answers that are milliseconds apart, in the order given: a connection that ss(8) shows is in conntrack(8)'s
answer too, unless it ended. The question to the server comes first, its answer last but one: it is asked
once the commands have ended and the rules were read, so that it knows of every refusal that the rules had counted.
Last comes what can be said of the policy. If the server does not answer, its account says why (`silent`) and has no
numbers; the kernel's answers are there all the same.

Each line on standard input asks for all of it once more, so that who looks twice starts one process and one
`docker exec`. Who gives no input gets one sample.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from connlab.machine import sysctls
from server import commands, control, policy_report, ruleset, settings

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time typing would cost each sample 5 ms
    from typing import Any


def main(question: str, *argvs: str) -> int:
    """Print a line of answers, and one more for each line that comes; 1, with its error, if a command fails."""
    _sample(question, argvs)
    for _ in sys.stdin:
        _sample(question, argvs)
    return 0


def _sample(question: str, argvs: Sequence[str]) -> None:
    results = [commands.run(json.loads(argv)) for argv in argvs]
    rules = policy_report.read()
    account = _account(json.loads(question))
    for result in results:
        if result.status:
            sys.exit(f"{result.argv}: exit status {result.status}: {result.error.strip()}")
    answers = [*(result.output for result in results), json.dumps(account), _policy(account, rules)]
    print(json.dumps(answers), flush=True)


def _account(question: Sequence[str]) -> dict[str, Any]:
    """Return the server's answer; else what the environment and the kernel say, with the reason under `silent`."""
    try:
        answer: dict[str, Any] = json.loads(control.ask(question))
        silent = answer.get("error")
    except (OSError, ValueError) as error:  # not there, too slow, or it ended in the middle of its answer
        silent = str(error)
    if silent is None:
        return answer
    knobs = settings.read()
    keys = sysctls.read(knobs.sysctl)
    unknown: dict[str, Any] = {"listener": None, "refusals": None, "sources": {}}
    return {**knobs._asdict(), "sysctls": keys, "silent": silent, **unknown}


def _policy(account: dict[str, Any], rules: ruleset.Ruleset | None) -> dict[str, object]:
    sources = None if "silent" in account else account["sources"].values()
    refusals = None if sources is None else sum(source["refused"] for source in sources)
    return policy_report.report(account["port"], rules, refusals)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
