"""Words that are not ours: engines, kernel tools, hosts, evidence and file names have theirs. How they are shown.

A terminal obeys control characters, and a reader is misled by characters that turn the text around. So every word
that reaches a terminal or a page goes through here, and what is not printable is shown as what it is.
"""

from __future__ import annotations

import shutil
import sys
import textwrap


def visible(words: object) -> str:
    r"""Any value as one line of harmless text: ESC becomes `\x1b`, U+202E `\u202e`, a line feed `\n`.

    Not printable are control, format, surrogate, private and unassigned characters and every separator but the
    blank (str.isprintable, Unicode categories C and Z).
    """
    text = str(words)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def lines(words: object) -> str:
    """Make several lines of harmless text: the line feeds stay."""
    return "\n".join(visible(line) for line in str(words).split("\n"))


def notice(words: object) -> None:
    """Say something to the person at the terminal: a line, or lines, on standard error after `lab: `.

    At a terminal a line is broken between words, and goes on below its beginning.
    """
    text = f"lab: {lines(words)}"
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        text = "\n".join(_fold(line, width) for line in text.split("\n"))
    print(text, file=sys.stderr)


def _fold(line: str, width: int) -> str:
    """Break a line between words; one that begins with blanks, or `lab: `, goes on at the same column."""
    indent = " " * (len(line) - len(line.lstrip().removeprefix("lab: ")))
    return textwrap.fill(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
        replace_whitespace=False, drop_whitespace=True,
    )  # fmt: skip


def show(words: object) -> None:
    """Print a line, or lines, on standard output, at once: who follows a log waits for it."""
    print(lines(words), flush=True)
