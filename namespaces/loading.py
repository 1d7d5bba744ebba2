"""Rules brought into a namespace by their own tools, and read back from its kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from namespaces import trace
from namespaces.netns import CommandFailed, Namespace

TOOLS = {
    "iptables": ["iptables-nft-restore"],
    "ip6tables": ["ip6tables-nft-restore"],
    "nft": ["nft", "-f", "-"],
    "sysctl": ["sysctl", "-p", "-"],
}


async def load(namespace: Namespace, texts: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """Give each text to its tool, in order; what each said and its exit status, negative if it crashed."""
    results = []
    for text in texts:
        status, out, err = await namespace.run(TOOLS[text["tool"]], text["text"])
        results.append({"tool": text["tool"], "status": status, "output": out, "errors": err})
    return results


async def must_load(namespace: Namespace, texts: Sequence[dict[str, str]]) -> None:
    """Load what has been loaded before. Raises `CommandFailed` if a tool now says no."""
    for text in texts:
        await namespace.must(TOOLS[text["tool"]], text["text"])


async def watch(namespace: Namespace) -> trace.Trace:
    """Begin to trace every SYN, after the rules are loaded: some begin with `flush ruleset`."""
    await namespace.must(["nft", "-f", "-"], trace.RULES)
    return trace.Trace(namespace)


async def listing(namespace: Namespace) -> dict[str, str]:
    """Read what is in force: nft's list with handles and counters, and what the two savers print."""
    texts = {"nft": await namespace.must(["nft", "-a", "list", "ruleset"])}
    for name in ("iptables", "ip6tables"):
        try:
            texts[name] = await namespace.must([f"{name}-nft-save", "-c"])
        except CommandFailed as problem:  # a table that it cannot print, as nft's own in `ip filter`
            texts[name] = f"# {problem}"
    return texts
