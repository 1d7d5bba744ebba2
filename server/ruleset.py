"""What is in this host's kernel: every table of nf_tables, chain by chain, rule by rule, with handles and counters.

`nft -a list ruleset` has all of it but the words of iptables' own matches (it says `xt match "connlimit"`), so
those come from iptables-save, which in turn does not see tables that are not its own.
"""

from __future__ import annotations

import re
import socket
import struct
from collections import defaultdict
from collections.abc import Mapping

from connlab.machine.named_tuple import NamedTuple
from server import commands, nflog, rules

LEGACY = "/proc/net/ip_tables_names"  # tables of iptables-legacy, which nf_tables does not show
GET_GENERATION = 10 << 8 | 16  # NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN (linux/netfilter/nf_tables.h)
TRIES = 10  # looks before it is said that the rules do not stand still


class Unreadable(Exception):
    """The kernel's rules could not be read; the text says why."""


class Ruleset(NamedTuple):
    """Everything at one generation, which each transaction on the rules of this network namespace moves on."""

    generation: int
    chains: list[rules.Chain]
    rules: list[rules.Rule]


def read() -> Ruleset:
    """Read the ruleset of this network namespace. Needs CAP_NET_ADMIN; raises `Unreadable`."""
    for _ in range(TRIES):
        before = generation()
        listed, saved = tool(["nft", "-a", "list", "ruleset"]), tool(["iptables-save", "-c"])
        if generation() == before:
            chains, listed_rules = parse(listed, texts(saved))
            return Ruleset(before, chains + _legacy(), listed_rules)
    raise Unreadable("the rules change faster than they can be read")


def parse(
    listed: str, saved: Mapping[tuple[str, str], list[tuple[str, int]]]
) -> tuple[list[rules.Chain], list[rules.Rule]]:
    """Return the chains and rules of `nft -a list ruleset`, with the texts that iptables-save has for a chain.

    Without Docker's own rules in `nat`, which lead a container's questions to its resolver: the engine writes them
    anew when a network is connected, and no SYN to this host meets them. Tables without a rule or a policy that
    drops are left out too, because they do nothing. Raises `Unreadable`.
    """
    chains: list[rules.Chain] = []
    parsed: list[rules.Rule] = []
    table, own, chain, place = "", "0", "", 0
    for line in listed.splitlines():
        if opened := re.match(r"table (\S+) (\S+) \{(?: # handle (\d+))?", line):
            table, chain = (opened[2] if opened[1] == "ip" else f"{opened[1]} {opened[2]}"), ""
            own = opened[3]
        elif opened := re.match(r"\tchain (\S+) \{", line):
            chain, place = opened[1], 0
            chains.append(rules.Chain(table, chain, ""))
        elif line == "\t}":
            if chain and len(saved.get((table, chain), [])) not in (0, place):
                raise Unreadable(f"nft and iptables-save disagree on chain {chain} of table {table}")
            chain = ""
        elif chain and (base := re.match(r"\t\ttype \S+ hook (\S+) .*?(?:policy (\w+);)?$", line)):
            chains[-1] = rules.Chain(table, chain, base[1])
            if base[2] == "drop":
                texts_of_policy = saved.get((table, f"-P {chain}"), [("policy drop", 0)])
                parsed.append(rules.Rule(table, chain, "0", *texts_of_policy[0]))
        elif chain and (rule := re.match(r"\t+(.*) # handle (\d+)$", line)):
            parsed.append(
                _rule(chains[-1], f"{own}/{rule[2]}", rule[1], saved.get((table, chain), [])[place:])
            )
            place += 1
    parsed = [rule for rule in parsed if not _of_docker(rule)]
    tables = {rule.table for rule in parsed}
    return [chain for chain in chains if chain.table in tables], parsed


def texts(saved: str) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """Return the rules in `iptables-save -c`, with the packets each matched, by table and chain, policies as `-P`."""
    listed: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    table = ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif rule := re.match(r"\[(\d+):\d+\] (-A (\S+) .*)$", line):
            listed[table, rule[3]].append((rule[2], int(rule[1])))
        elif policy := re.match(r":(\S+) ([A-Z]+) \[(\d+):\d+\]$", line):
            listed[table, f"-P {policy[1]}"].append((f"-P {policy[1]} {policy[2]}", int(policy[3])))
    return listed


def _rule(chain: rules.Chain, handle: str, listed: str, saved: list[tuple[str, int]]) -> rules.Rule:
    """Return a rule as nft lists it, or with iptables' own text and counter if `saved` begins with them."""
    counter = re.search(r"counter packets (\d+) bytes", listed)
    native = re.sub(r"counter packets \d+ bytes \d+", "counter", listed).strip()
    text, packets = saved[0] if saved else (native, int(counter[1]) if counter else 0)
    return rules.Rule(chain.table, chain.name, handle, text, packets)


def generation() -> int:
    """Return the number of the ruleset: nft(8), `monitor`; net/netfilter/nf_tables_api.c, nf_tables_fill_gen_info()."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, nflog.NETLINK_NETFILTER) as sock:
        body = struct.pack(">BBH", socket.AF_UNSPEC, 0, 0)
        sock.send(struct.pack("=IHHII", 16 + len(body), GET_GENERATION, nflog.NLM_F_REQUEST, 1, 0) + body)
        answer = sock.recv(1 << 16)
    if len(answer) < 28 or struct.unpack_from("=H", answer, 4)[0] == 2:  # NLMSG_ERROR
        raise Unreadable("the kernel does not tell the generation of its rules")
    return int(struct.unpack_from(">I", answer, 24)[0])


def connected(port: int) -> dict[str, str]:
    """Return the cookies of the sockets that are connected to `port` here, with their peers' addresses (ss(8), -e).

    TIME_WAIT is none.
    """
    states = ["state", "connected", "exclude", "time-wait"]
    listed = tool(["ss", "-tanHe", *states, f"( sport = :{port} )"])
    peers = re.findall(r"^\S+ +\d+ +\d+ +\S+ +\[?(\S+?)\]?:\d+ .*\bsk:(\w+)", listed, re.MULTILINE)
    return {cookie: peer for peer, cookie in peers}


def tool(argv: list[str], stdin: str = "") -> str:
    """Run a command; returns its standard output. Raises `Unreadable` with what it said."""
    try:
        result = commands.run(argv, stdin)
    except OSError as error:
        raise Unreadable(f"{argv[0]}: {error.strerror}") from None
    if result.status:
        raise Unreadable(f"{argv[0]}: exit status {result.status}: {result.error.strip()}")
    return result.output


def _of_docker(rule: rules.Rule) -> bool:
    return rule.table == "nat" and "DOCKER_" in (rule.chain[:7], rules.target(rule.text)[:7])


def _legacy() -> list[rules.Chain]:
    """Return each table of iptables-legacy as a chain that is there, but cannot be read without CAP_NET_RAW."""
    try:
        with open(LEGACY) as file:
            names = file.read().split()
    except OSError:  # this kernel has no iptables-legacy
        return []
    return [rules.Chain(f"legacy {name}", "", "") for name in names if name != "nat"]
