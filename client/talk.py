"""The article's interactive client: type a line, send it, see what comes back.

`docker exec -i CLIENT python3 -S -E -m client.talk`: a line is sent as it was typed, without its
newline; what comes back is escaped and goes to standard output, everything else to standard error. With
`--prompt`, or on a terminal, it asks for each line, and all goes to standard output, in one order.

Exit status: 0 after the end of input, 1 if the server refuses or goes away, 2 for a bad setting, 130 after
Ctrl-C.
"""

from __future__ import annotations

import os
import sys

from client import connector, host_lock, host_log, report
from client.conversation import Ended, converse
from client.screen import Screen, refusal
from connlab.machine import events
from connlab.machine.knobs import read as read_knobs

DIAL_MS = 2000


def main(arguments: list[str]) -> int:
    screen = Screen("--prompt" in arguments or os.isatty(0))
    try:
        knobs = read_knobs("client")
    except ValueError as error:
        screen.say(f"connlab talk: {error}")
        return 2
    events.configure("client", knobs["log_format"], host_log.open_host_log())
    try:
        with host_lock.of_agent():
            return _session(knobs["connlab_server"], knobs["port"], screen)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # nobody reads any more
        return 0


def _session(server: str, port: int, screen: Screen) -> int:
    for attempt, sock in connector.dial(server, port, timeout_ms=DIAL_MS):
        report.attempt(attempt)
        if not sock:
            screen.say(refusal(attempt, DIAL_MS))
            return 1
        own = f"{attempt.source}:{attempt.source_port}"
        screen.say(f"connected to {server} ({attempt.target}) port {port} from {own}; Ctrl-D ends")
        events.emit("held", count=1)
        how = "exit"
        try:
            converse(sock, screen)
            how = "fin"
        except Ended as ended:
            screen.say(str(ended))
            return 1
        finally:
            sock.close()
            events.emit("released", count=1, how=how)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
