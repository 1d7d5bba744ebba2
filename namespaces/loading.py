"""Rules brought into a namespace by their own tools, and read back from its kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from namespaces import trace
from namespaces.changes import Changes
from namespaces.netns import CommandFailed, Namespace
from namespaces.pieces import pieces

# Those of /opt/connlab/tools (namespaces/place_tools.sh): iptables' own are its nf_tables variants.
TOOLS = {
    "iptables": ["iptables-restore"],
    "ip6tables": ["ip6tables-restore"],
    "iptables-beside": ["iptables-restore", "--noflush"],
    "ip6tables-beside": ["ip6tables-restore", "--noflush"],
    "nft": ["nft", "-f", "-"],
    "sysctl": ["sysctl", "-p", "-"],
}

LIST = "list ruleset"


async def load(namespace: Namespace, texts: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """Give each text to its tool, in order; what each said, its exit status, negative if it crashed, and what it made.

    `made` are [family, table, chain, handle] of each new rule, in order; `lost` if the kernel did not tell all.
    """
    results = []
    changes = Changes(namespace)
    try:
        for text in texts:
            status, out, err, spoilt = await _feed(namespace, text)
            made = [[*change.chain, change.handle] for change in changes.read() if change.kind == "rule"]
            results.append({
                "program": TOOLS[text["tool"]][0], "status": status, "output": out, "errors": err,
                "made": [each for each in made if each[1] != spoilt], "lost": changes.lost,
            })  # fmt: skip
    finally:
        changes.close()
    return results


async def must_load(namespace: Namespace, texts: Sequence[dict[str, str]]) -> None:
    """Load what has been loaded before. Raises `CommandFailed` if a tool now says no."""
    for text in texts:
        if text["tool"] == "nft":
            await namespace.nft(text["text"])
            continue
        status, out, err, _ = await _feed(namespace, text)
        if status:
            raise CommandFailed(
                f"{TOOLS[text['tool']][0]}: exit status {status}: {err.strip() or out.strip()}"
            )


async def _feed(namespace: Namespace, text: dict[str, str]) -> tuple[int, str, str, str]:
    """Give a text to its tool, in pieces if it must be: exit status, output, errors, the table that it was to have.

    A table is loaded as a whole or not at all, so one of whose pieces one is refused is emptied again.
    """
    program = TOOLS[text["tool"]]
    if not program[0].endswith("-restore"):
        return (*await namespace.run(program, text["text"]), "")
    for piece, goes_on in pieces(text["text"]):
        status, out, err = await namespace.run([*program, "--noflush"] if goes_on else program, piece)
        if status and goes_on:
            table = next(line.strip()[1:] for line in piece.split("\n") if line.lstrip().startswith("*"))
            for option in ("-F", "-X"):
                await namespace.run([program[0].removesuffix("-restore"), "-t", table, option])
            return status, out, err, table
        if status:
            break
    return status, out, err, ""


async def watch(
    namespace: Namespace, interfaces: Sequence[str], texts: Sequence[dict[str, str]]
) -> trace.Trace:
    """Begin to trace, after the rules are loaded: some begin with `flush ruleset`."""
    rules = trace.RULES
    if any("ingress" in text["text"] for text in texts):
        rules += trace.INGRESS % ", ".join(interfaces)
    await namespace.nft(rules)
    return trace.Trace(namespace)


async def listing(namespace: Namespace) -> dict[str, str]:
    """Read what is in force: nft's list with handles and counters, without either, and what the two savers print."""
    texts = {
        "nft": await namespace.nft(LIST),
        "stateless": await namespace.must(["nft", "-s", "list", "ruleset"]),
    }
    for name in ("iptables", "ip6tables"):
        try:
            texts[name] = await namespace.must([f"{name}-nft-save", "-c"])
        except CommandFailed as problem:  # a table that it cannot print, as nft's own in `ip filter`
            texts[name] = f"# {problem}"
    return texts
