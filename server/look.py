"""Look at this host once: run each command given, ask the server, and print all answers as one JSON array.

`python3 -m server.look '["account"]' '["ss","-tan"]' '["conntrack","-L"]'`: one `docker exec` instead of six,
and answers that are milliseconds apart. The question to the server comes first, its answer last but one: it is asked
once the commands have ended and the rules were read, so that it knows of every refusal that the rules had counted.
Last comes what can be said of the policy.
"""

from __future__ import annotations

import json
import subprocess
import sys

from server import policy_look, ruleset, status


def main(question: str, *commands: str) -> int:
    """Exit status 1, with the command's own error, if one of them fails or the server does not answer."""
    running = [
        subprocess.Popen(json.loads(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for command in commands
    ]
    done = [(process, *process.communicate()) for process in running]
    rules = policy_look.read()
    try:
        account = status.ask(json.loads(question))
    except OSError as silent:
        sys.exit(f"the server does not answer: {silent}")
    for process, _, error in done:
        if process.returncode:
            sys.exit(f"{process.args}: exit status {process.returncode}: {error.strip()}")
    print(json.dumps([*(output for _, output, _ in done), account, _policy(account, rules)]))
    return 0


def _policy(account: str, rules: ruleset.Ruleset | None) -> policy_look.Report:
    said = json.loads(account)
    told = sum(source["refused"] for source in said["sources"].values())
    return policy_look.report(said["port"], rules, told)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
