"""Rules whose cost is measured, as people write them, with a limit that nobody reaches."""

from __future__ import annotations

from collections.abc import Mapping

PORT = 8081
_LIMIT = "-m connlimit --connlimit-above 20000"
_REFUSE = "-j REJECT --reject-with tcp-reset"


def _iptables(rule: str) -> dict[str, str]:
    return {
        "tool": "iptables",
        "text": f"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport {PORT} {rule}\nCOMMIT\n",
    }


def _nft(rule: str, before: str = "") -> dict[str, str]:
    chain = f"type filter hook input priority 0; tcp dport {PORT} {rule}"
    return {"tool": "nft", "text": f"table ip cost {{\n{before}\nchain input {{ {chain}; }}\n}}\n"}


# By what the table calls them; each is one text.
RULES: Mapping[str, dict[str, str] | None] = {
    "no rule": None,
    "ct state new accept": _nft("ct state new accept"),
    "hashlimit, a rate": _iptables(
        "--syn -m hashlimit --hashlimit-name cost --hashlimit-mode srcip --hashlimit-above 100000/sec"
        f" --hashlimit-burst 100000 {_REFUSE}"
    ),
    "connlimit, mask 32": _iptables(f"--syn {_LIMIT} --connlimit-mask 32 {_REFUSE}"),
    "connlimit, mask 0": _iptables(f"--syn {_LIMIT} --connlimit-mask 0 {_REFUSE}"),
    "connlimit, every packet": _iptables(f"{_LIMIT} --connlimit-mask 32 {_REFUSE}"),
    "nft ct count, per source": _nft(
        "ct state new add @sources { ip saddr ct count over 20000 } reject with tcp reset",
        "set sources { type ipv4_addr; size 65535; flags dynamic; }",
    ),
    "nft ct count, for all": _nft("ct state new ct count over 20000 reject with tcp reset"),
}
