"""Look at this host once: run each command given, ask the server, and print all answers as one JSON array.

`python3 -m server.sample '["account"]' '["ss","-tan"]' '["conntrack","-L"]'`: one `docker exec` instead of six,
and answers that are milliseconds apart, in the order given: a connection that ss(8) shows is in conntrack(8)'s
answer too, unless it ended. The question to the server comes first, its answer last but one: it is asked
once the commands have ended and the rules were read, so that it knows of every refusal that the rules had counted.
Last comes what can be said of the policy. If the server does not answer, its account says why (`silent`) and has no
numbers; the kernel's answers are there all the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from connlab.machine import sysctls
from server import control, policy_report, ruleset, settings


def main(question: str, *commands: str) -> int:
    """Exit status 1, with the command's own error, if one of them fails."""
    done = [
        subprocess.run(json.loads(command), capture_output=True, text=True, check=False)
        for command in commands
    ]
    rules = policy_report.read()
    account = _account(json.loads(question))
    for command in done:
        if command.returncode:
            sys.exit(f"{command.args}: exit status {command.returncode}: {command.stderr.strip()}")
    print(json.dumps([*(command.stdout for command in done), json.dumps(account), _policy(account, rules)]))
    return 0


def _account(question: Sequence[str]) -> dict:
    try:
        said: dict = json.loads(control.ask(question))
        silent = said.get("error")
    except (OSError, ValueError) as error:  # not there, too slow, or it ended in the middle of its answer
        silent = str(error)
    if silent is None:
        return said
    wanted = settings.read()
    keys = sysctls.read(wanted.sysctl)
    unknown = {"listener": None, "refusals": None, "sources": {}}
    return {**wanted._asdict(), "sysctls": keys, "silent": silent, **unknown}


def _policy(account: dict, rules: ruleset.Ruleset | None) -> policy_report.Report:
    sources = None if "silent" in account else account["sources"].values()
    told = None if sources is None else sum(source["refused"] for source in sources)
    return policy_report.report(account["port"], rules, told)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
