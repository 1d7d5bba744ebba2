"""What somebody believes: claims as data. What real hosts say of them is in connlab.evidence.verdicts, never here."""

from __future__ import annotations

from dataclasses import dataclass

ARTICLE, LAB, FOLKLORE = "the article", "this lab", "folklore"
IP_SYSCTL = "ip-sysctl.rst"  # the kernel's Documentation/networking/
IPTABLES, WIKI, RED_HAT = "iptables-extensions(8)", "the nftables wiki", "Red Hat"
SOCKETS, TIME_WAIT, DOCUMENTS = "sockets", "time-wait", "documents"
# The page that carries a family's table of verdicts, and the claims of which README.md has the rows as well.
PAGES = {SOCKETS: "docs/claims.md", TIME_WAIT: "docs/time-wait.md", DOCUMENTS: "docs/documents.md"}
FRONT_PAGE = "README.md"
ON_FRONT_PAGE = (
    "backlog-limits-connections", "glued-messages", "pool-bounds", "fifteen-per-source", "errno-tells-who-refused"
)  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """A sentence somebody believes, and who. `setting` and `side` say of what, in a matrix of effects.

    `rules` is the file of docs/documents/ that has the example of which it is said.
    """

    id: str
    sentence: str
    source: str = ARTICLE
    family: str = SOCKETS
    setting: str = ""
    side: str = ""
    rules: str = ""


_SENTENCES = (
    Claim("backlog-limits-connections", "listen(5): five is the maximum number of connections, more are refused"),
    Claim("one-at-a-time", "The default server serves one client at a time; the next one's messages come later, glued"),
    Claim("glued-messages", "Messages arrive glued together because the server is iterative"),
    Claim("threads-serve-many", "Threading and forking servers serve many clients at once"),
    Claim("pool-bounds", "N threads that each call serve_forever bound the concurrency to N"),
    Claim("fifteen-per-source", "One source address is limited to 15 connections"),
    Claim("stalled-server-refuses", "A client within its limit is not refused, however slow the server is", LAB),
    Claim("reuse-restarts-at-once", "SO_REUSEADDR lets the server restart at once"),
    Claim("empty-address-is-reachable", "An empty bind address makes the server reachable from other hosts"),
    Claim("errno-tells-who-refused", "A client can tell a refusal by policy from a closed port", FOLKLORE),
    Claim("connect-takes-no-name", "connect takes an address, not a domain name"),
    Claim("three-families", "There are three address families: AF_UNIX, AF_INET, AF_INET6"),
    Claim("type-five", "Socket type 5 is SOCK_CONN_DGRAM"),
    Claim("client-address-is-bound", "client_address is the address that the server is bound to"),
    Claim("port-is-one-process", "A port number stands for one process"),
    Claim("triple-identifies", "Protocol, address and port identify a connection"),
    Claim("send-sends-all", "send sends all of the data"),
)  # fmt: skip

# What a setting, or a way to close, is believed to do to the side that has it: (id, side, sentence, who).
_EFFECTS = {
    "the article's three lines": [
        ("article-server-time-wait", "server", "TIME_WAIT is limited to 15 s", ARTICLE),
        ("article-client-time-wait", "client", "TIME_WAIT is limited to 15 s", FOLKLORE),
    ],
    "tcp_tw_recycle=1": [
        ("recycle", "both", "TIME_WAIT sockets are recycled within a second", ARTICLE),
    ],
    "tcp_tw_reuse=1": [
        ("reuse-server", "server", "There are fewer TIME_WAIT sockets, or for less time", ARTICLE),
        ("reuse-1-client", "client", "A port in TIME_WAIT is used again after a second", IP_SYSCTL),
    ],
    "tcp_tw_reuse=0": [
        ("reuse-0-client", "client", "A port is used again only after TIME_WAIT", IP_SYSCTL),
    ],
    "tcp_tw_reuse=2, the default": [
        ("reuse-2-client", "client", "A port in TIME_WAIT is used again after a second", FOLKLORE),
    ],
    "tcp_tw_reuse_delay=200": [
        ("reuse-delay-server", "server", "There are fewer TIME_WAIT sockets, or for less time", FOLKLORE),
        ("reuse-delay-client", "client", "A port in TIME_WAIT is used again after 200 ms", IP_SYSCTL),
    ],
    "tcp_timestamps=0": [
        ("timestamps-client", "client", "tcp_tw_reuse=1 uses ports in TIME_WAIT again all the same", FOLKLORE),
        ("timestamps-server", "server", "A SYN onto a connection in TIME_WAIT is accepted at once", FOLKLORE),
    ],
    "every tw setting off": [
        ("syn-onto-time-wait", "server", "Who comes back from the same port within a minute is turned away", FOLKLORE),
    ],
    "tcp_fin_timeout=15": [
        ("fin-timeout-idle", "both", "TCP connection timeout 15 s", ARTICLE),
    ],
    "tcp_fin_timeout=5, 15, 60": [
        ("fin-timeout-orphan", "both", "An orphan in FIN_WAIT_2 is kept so many seconds", "tcp(7)"),
    ],
    "tcp_fin_timeout=61, 70": [
        ("fin-timeout-over-60", "both", "An orphan in FIN_WAIT_2 is kept so many seconds", "tcp(7)"),
    ],
    "tcp_fin_timeout=5, 15": [
        ("fin-timeout-ends-all", "server", "What the server has closed is gone so many seconds later", FOLKLORE),
    ],
    "tcp_max_tw_buckets=5": [
        ("buckets-server", "server", "Fewer TIME_WAIT sockets, at no cost", FOLKLORE),
        ("buckets-client", "client", "Ports come free at once, at no cost", FOLKLORE),
    ],
    "ip_local_port_range of 10": [
        ("ports-per-minute", "client", "ports/60 connections a second can be sustained", "the formula"),
        ("port-range-server", "server", "There are at most as many connections as ports", FOLKLORE),
    ],
    "3 source addresses": [
        ("more-sources", "client", "Each address has all the ports again", "ip(7)"),
    ],
    "SO_LINGER 0": [
        ("rst-close", "both", "An RST leaves no TIME_WAIT on either side", "socket(7)"),
    ],
    "who closes first": [
        ("closes-first", "both", "TIME_WAIT is the server's trouble", FOLKLORE),
    ],
    "a busy server": [
        ("memory", "server", "TIME_WAIT sockets eat up the memory", FOLKLORE),
    ],
    "connlimit 15": [
        ("time-wait-slots", "server", "Connections in TIME_WAIT count against the limit", FOLKLORE),
    ],
    "nf_conntrack_…_time_wait=2": [
        ("conntrack-time-wait", "server", "TIME_WAIT is over after 2 s", FOLKLORE),
    ],
    "nf_conntrack_…_close_wait=8": [
        ("half-closed-slots", "server", "A half-closed connection keeps its slot", FOLKLORE),
    ],
    "nf_conntrack_…_established=12": [
        ("vanished-slots", "server", "A client that vanished gives its slots back", FOLKLORE),
        ("established-timeout", "server", "A shorter timeout costs a live connection nothing", FOLKLORE),
    ],
}  # fmt: skip

# What a page says that its example does, in a few words: (id, file of the example, sentence, who).
_EXAMPLES = (
    ("two-telnet-connections", "connlimit-above.rules", "Two telnet connections for each client host", IPTABLES),
    ("connlimit-the-other-way", "connlimit-upto.rules", "The same, matched the other way around", IPTABLES),
    ("sixteen-per-class-c", "connlimit-net24.rules", "16 parallel HTTP requests for each /24", IPTABLES),
    ("connections-to-a-host", "connlimit-host.rules6", "At most 100 connections to a particular host", IPTABLES),
    ("groups-of-eight", "hashlimit-subnet.rules", "A rate for every /28, a group of 8 addresses", IPTABLES),
    ("badguy", "recent-badguy.rules", "Who tries port 139 has all further packets dropped", IPTABLES),
    ("ten-ssh-connections", "wiki-connlimit.nft", "While ten connections are tracked, a new SYN is dropped", WIKI),
    ("two-to-the-host", "wiki-connlimit-set.nft", "Two connections at a time to the host from one address", WIKI),
    ("three-a-minute", "wiki-meter.nft", "Each address may begin three connections a minute", WIKI),
    ("ten-a-second", "wiki-meter-accept.nft", "Each address may begin ten connections a second", WIKI),
    ("two-ssh-by-meter", "redhat-meter.nft", "Two connections from an address, all further are rejected", RED_HAT),
    ("two-ssh-by-set", "redhat-set.nft", "Two connections from an address, all further are rejected", RED_HAT),
    ("denylist", "redhat-denylist.nft", "Who begins more than ten in a minute is blocked for five", RED_HAT),
    ("denylist-of-8", "redhat-denylist-8.nft", "Who begins more than ten in a minute is blocked for five", RED_HAT),
)  # fmt: skip

CLAIMS = (
    *_SENTENCES,
    *(Claim(name, sentence, source, TIME_WAIT, setting, side)
      for setting, effects in _EFFECTS.items() for name, side, sentence, source in effects),
    *(Claim(name, sentence, source, DOCUMENTS, rules=rules) for name, rules, sentence, source in _EXAMPLES),
)  # fmt: skip
