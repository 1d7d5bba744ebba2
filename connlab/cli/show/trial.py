"""What a trial found, on one screen: rows, findings, lines that do nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from connlab.cli.show import kernel_settings
from connlab.cli.show.terminal import console, new_table, pale, progress_bar, strong
from connlab.trial.conductor import Progress as Report


@contextlib.contextmanager
def progress() -> Iterator[Report]:
    """Show on standard error, at a terminal, how many scenarios are done."""
    with progress_bar("lab: scenarios") as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def screen(answer: Mapping[str, Any]) -> None:
    """Print what matters first."""
    out = console()
    for file in answer["files"]:
        if file["loaded"] is not True:
            out.print(strong(f"{file['path']}: {file['form']}, not loaded, exit status {file['exit']}"))
        for message in file["messages"]:
            out.print(f"  {message['line'] or ''} {message['text']}")
    table = new_table(">port", "IPv", "from", "get in", "shared by", "the others see", "by rule")
    for row in answer["ports"]:
        judge = row["decided_by"]
        where = f"{judge['file']}:{judge['line']}" if judge["line"] else judge["rule"]
        limit = "all" if row["limit"] is None else str(row["limit"])
        table.add_row(
            str(row["port"]),
            str(row["family"]),
            row["from"],
            f"{limit}  {row['pattern']}",
            row["shared_by"] or "",
            row["refusal"],
            where,
        )
    if answer["ports"]:
        out.print(table)
    kernel_settings.settings(out, answer["sysctls"])
    for finding in filter(kernel_settings.is_about_rules, answer["findings"]):
        where = f"{finding['file']}:{finding['line']}" if finding["line"] else ""
        out.sentence(finding["text"], strong(f"{finding['id']}  "))
        if finding["evidence"] or where:
            out.print(pale(f"    {finding['evidence']}  {where}"))
