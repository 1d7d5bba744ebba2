"""How many connections this host's kernel has accepted since it began: a number a line, one for each line that comes.

The number is PassiveOpens of /proc/net/snmp (RFC 4022), which no process has to be asked for.
"""

import sys


def passive_opens() -> str:
    """Return the counter; its name and its value stand in two lines that begin with `Tcp:`."""
    with open("/proc/net/snmp") as file:
        names, values = (line.split() for line in file if line.startswith("Tcp:"))
    return dict(zip(names, values, strict=True))["PassiveOpens"]


print(passive_opens(), flush=True)
for _ in sys.stdin:
    print(passive_opens(), flush=True)
