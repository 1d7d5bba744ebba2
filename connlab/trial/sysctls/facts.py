"""What keys act on, and what the lab measured of them: rows of docs/kernel.md."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from typing import NamedTuple

DIALS, ASKED = "other-side", "only-if-asked"


class Fact(NamedTuple):
    """What is known of a key. `size`: a number of which less is less; `verdict`: what is said of each line of it."""

    text: str
    verdict: str = ""  # DIALS, ASKED
    size: bool = False


CONNTRACK = "conntrack's own, not the socket's: "
IPC = Fact("acts on processes that share memory or queues, not on connections", size=True)
# By key, or pattern of keys (fnmatch); the first that fits counts.
FACTS: Mapping[str, Fact] = {
    "net.core.somaxconn": Fact(
        "acts on the server: the backlog in force is the smaller of this and what the program gives listen(2), as it"
        " was at that moment (B02)", ASKED, True),
    "net.core.netdev_max_backlog": Fact(
        "packets that wait between a driver and a CPU of the machine: no limit of connections", size=True),
    "net.core.[rw]mem_max": Fact(
        "acts on either side: how much a program can ask for with SO_RCVBUF or SO_SNDBUF", ASKED, True),
    "net.core.[rw]mem_default": Fact("acts on sockets that are not TCP's: those have tcp_rmem and tcp_wmem", size=True),
    "net.core.default_qdisc": Fact("acts on interfaces that are made afterwards"),
    "net.ipv4.icmp_ratelimit": Fact(
        "acts on who refuses: REJECT's ICMP answers to one address, six at once and then one in so many ms (O09)"),
    "net.ipv4.ip_local_port_range": Fact(
        "acts on the side that dials: connect(2) takes a port of it, and fails when all are in use or in TIME_WAIT"
        " towards the same address and port (T13)", DIALS),
    "net.ipv4.ip_local_reserved_ports": Fact(
        "acts on the side that dials: connect(2) takes none of these ports", DIALS),
    "net.ipv4.ip_unprivileged_port_start": Fact(
        "acts on who listens: below it a program needs CAP_NET_BIND_SERVICE; an engine sets it to 0 in a container"),
    "net.ipv4.ip_forward": Fact("acts on a router: who is neither side forwards"),
    "net.ipv4.netfilter.ip_conntrack_*": Fact("an older name: the key is net.netfilter.nf_conntrack_* by now"),
    "net.ipv4.tcp_abort_on_overflow": Fact(
        "acts on the server: a handshake that finds the accept queue full at its last ACK is reset; a SYN is dropped as"
        " before (B05)"),
    "net.ipv4.tcp_congestion_control": Fact("acts on the side that sends"),
    "net.ipv4.tcp_fastopen": Fact("acts on either side: data in a SYN, for programs that use TCP_FASTOPEN", ASKED),
    "net.ipv4.tcp_fin_timeout": Fact(
        "acts on the side that closes first: how long an orphaned FIN_WAIT_2 socket is kept (T03); TIME_WAIT stays a"
        " minute (T01)"),
    "net.ipv4.tcp_keepalive_*": Fact(
        "acts on sockets with SO_KEEPALIVE: a client that vanished keeps its place in a limit until then, or until"
        " conntrack forgets it (C13)", ASKED),
    "net.ipv4.tcp_max_orphans": Fact("sockets of the whole machine that no process has any more", size=True),
    "net.ipv4.tcp_max_syn_backlog": Fact(
        "acts on the server, and only with tcp_syncookies=0; else the listener's backlog is what bounds handshakes"
        " (B13, B10)", size=True),
    "net.ipv4.tcp_max_tw_buckets": Fact(
        "acts on the side that closes first: more sockets in TIME_WAIT than that are gone at once (T14)", size=True),
    "net.ipv4.tcp_mem": Fact("pages of memory for all TCP sockets of the machine", size=True),
    "net.ipv4.tcp_migrate_req": Fact(
        "acts on a server with SO_REUSEPORT: who waits at a listener that closes goes to another one", ASKED),
    "net.ipv4.tcp_retries2": Fact("acts on the side that sends: how often data are repeated before it gives up"),
    "net.ipv4.tcp_rfc1337": Fact(
        "acts on the side that closed first: with 1 no RST ends TIME_WAIT early (T23)"),
    "net.ipv4.tcp_[rw]mem": Fact("acts on either side: least, first and largest buffer of a socket, bytes", size=True),
    "net.ipv4.tcp_syn_retries": Fact(
        "acts on the side that dials: how often a SYN is repeated before ETIMEDOUT (O04)", DIALS),
    "net.ipv4.tcp_synack_retries": Fact(
        "acts on the server: how often a SYN/ACK is repeated to a client that does not answer (B04)"),
    "net.ipv4.tcp_syncookies": Fact(
        "acts on the server: with 1, a SYN beyond the backlog is answered with a cookie (B10); with 0 it is dropped"
        " (B13)"),
    "net.ipv4.tcp_timestamps": Fact(
        "acts on both sides: tcp_tw_reuse rests on timestamps (T08), and so does a SYN that meets its own"
        " TIME_WAIT (T11)"),
    "net.ipv4.tcp_tw_recycle": Fact(
        "removed in Linux 4.12: it silently dropped SYNs of hosts behind one NAT address (T16)"),
    "net.ipv4.tcp_tw_reuse": Fact(
        "acts on the side that dials: connect(2) may take a port in TIME_WAIT, with timestamps and after a second"
        " (T08); it changes nothing for accepted connections (T07); 2 is loopback only, the default (T09)", DIALS),
    "net.ipv4.tcp_tw_reuse_delay": Fact(
        "acts on the side that dials: how many ms in TIME_WAIT before tcp_tw_reuse may take a port (T08)", DIALS),
    "net.netfilter.nf_conntrack_buckets": Fact("the size of conntrack's hash table, of all namespaces", size=True),
    "net.netfilter.nf_conntrack_max": Fact(
        "how many connections conntrack remembers, in all namespaces together; beyond it new ones are dropped",
        size=True),
    "net.netfilter.nf_conntrack_tcp_timeout_close_wait": Fact(
        CONNTRACK + "a half-closed connection that says nothing for so long no longer counts in a limit (C06)"),
    "net.netfilter.nf_conntrack_tcp_timeout_established": Fact(
        CONNTRACK + "a client that vanished keeps its place in a limit for so long (C13); a live one that is idle for"
        " longer is forgotten, and more are admitted than the limit (C14)"),
    "net.netfilter.nf_conntrack_tcp_timeout_time_wait": Fact(
        CONNTRACK + "TIME_WAIT of the socket stays a minute, and a limit counts neither (T18, C03)"),
    "net.netfilter.nf_conntrack_*": Fact("conntrack's own, not the socket's; the lab measured nothing of it"),
    "net.nf_conntrack_max": Fact(
        "net.netfilter.nf_conntrack_max by its older name: how many connections conntrack remembers", size=True),
    "net.ipv[46].conf.*": Fact("acts on packets of an interface, before TCP; the lab measured nothing of it"),
    "net.ipv[46].neigh.*": Fact("the table of neighbours, no limit of connections"),
    "fs.mqueue.*": IPC,
    "kernel.domainname": Fact("a name of the container"),
    "kernel.hostname": Fact("a name of the container, which its engine sets by another way"),
    "kernel.msg*": IPC,
    "kernel.sem": IPC,
    "kernel.shm*": IPC,
    "kernel.*": Fact("acts on processes, not on connections"),
    "fs.*": Fact("acts on files, not on connections; of descriptors, a process has RLIMIT_NOFILE"),
    "vm.*": Fact("acts on the machine's memory, not on connections"),
}  # fmt: skip
# Of the machine, and yet each container has its own: of its namespace of System V IPC and POSIX queues, of its name.
OWN = ("kernel.msg*", "kernel.sem", "kernel.shm*", "fs.mqueue.*", "kernel.domainname", "kernel.hostname")
# Of a namespace that a container has for itself, and yet an engine sets none of them: which, and since which Linux.
PRIVILEGED: Mapping[str, tuple[str, tuple[int, int]]] = {
    "kernel.pid_max": ("PID", (6, 14)), "vm.memfd_noexec": ("PID", (6, 6)), "kernel.ns_last_pid": ("PID", (3, 3)),
    "kernel.auto_msgmni": ("IPC", (2, 6)), "kernel.msg_next_id": ("IPC", (3, 8)),
    "kernel.sem_next_id": ("IPC", (3, 8)), "kernel.shm_next_id": ("IPC", (3, 8)),
}  # fmt: skip
NOTHING = Fact("the lab measured nothing of it")
# Bytes, packets, entries, or so many a second, beside what FACTS says: less is less.
SIZES = (
    "net.core.optmem_max", "net.core.netdev_budget", "net.core.dev_weight", "net.core.message_burst", "*.gc_thresh*",
    "net.ipv[46].neigh.*.*qlen*", "net.ipv6.conf.*.max_addresses", "net.ipv6.route.max_size", "net.ipv6.max_*",
    "*frag*_high_thresh", "*frag*_low_thresh", "net.ipv4.ipfrag_max_dist", "net.ipv4.igmp_max_*",
    "net.ipv4.icmp_msgs_*", "net.ipv4.tcp_challenge_ack_limit", "net.ipv4.tcp_limit_output_bytes",
    "net.ipv4.tcp_max_reordering", "net.ipv4.tcp_notsent_lowat", "net.ipv4.udp_mem", "net.ipv4.udp_[rw]mem_min",
    "net.netfilter.nf_conntrack_expect_max", "net.unix.max_dgram_qlen",
)  # fmt: skip

# A line with the key and any other value than 0 has no effect beside one that sets the other key to the value.
CANCELS: Mapping[str, tuple[str, str, str]] = {
    "net.ipv4.tcp_tw_reuse": ("net.ipv4.tcp_timestamps", "0", "without timestamps no port is taken again (T08)"),
    "net.ipv4.tcp_tw_reuse_delay": ("net.ipv4.tcp_tw_reuse", "0", "tcp_tw_reuse=0 takes no port (T09)"),
    "net.ipv4.tcp_dsack": ("net.ipv4.tcp_sack", "0", "DSACK is a kind of SACK"),
    "net.ipv4.tcp_max_syn_backlog": ("net.ipv4.tcp_syncookies", "2", "with 2 each SYN is answered with a cookie"),
}  # fmt: skip

# What a kubelet lets any pod set; other keys need its --allowed-unsafe-sysctls (Kubernetes 1.32).
SAFE = (
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
)  # fmt: skip


def fact(key: str) -> Fact:
    """Return what is known of a key."""
    return next((each for name, each in FACTS.items() if fnmatch.fnmatchcase(key, name)), NOTHING)


def is_own(key: str) -> bool:
    """Tell whether a key outside of `net` belongs to a container all the same."""
    return key not in PRIVILEGED and any(fnmatch.fnmatchcase(key, name) for name in OWN)


def is_size(key: str) -> bool:
    """Tell whether less of a key is less."""
    return fact(key).size or any(fnmatch.fnmatchcase(key, name) for name in SIZES)


def privileged(key: str, release: str) -> str:
    """Name the namespace of a key that is a container's own and that only a privileged one can set; else empty."""
    namespace, since = PRIVILEGED.get(key, ("", (0, 0)))
    version = tuple(map(int, re.findall(r"\d+", release)[:2]))
    return namespace if version >= since else ""
