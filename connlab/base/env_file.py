"""The file `.env`: names and values, as Compose reads them. Nothing is known here of what they mean."""

from __future__ import annotations

import re
from pathlib import Path

from connlab.base.errors import Usage


def read(path: Path) -> dict[str, str]:
    """Names and values. Raises `Usage`, with the way back, for a file that is not there or cannot be read."""
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise Usage(f"{path} is missing", next_step="git checkout .env") from None
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise Usage(
            f"{path}, line {number}", "not UTF-8", next_step="mend the line, or git checkout .env"
        ) from None
    except OSError as error:
        raise Usage(f"{path} cannot be read", error.strerror, next_step="git checkout .env") from None
    knobs = {}
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if "\0" in line:
            raise Usage(
                f"{path}, line {number}",
                "has a NUL character",
                next_step="mend the line, or git checkout .env",
            )
        if line[:1] in ("", "#"):
            continue
        pair = re.fullmatch(r"""([A-Z_]+)=(["']?)(.*)\2""", line)
        if not pair:
            raise Usage(path, f"{line!r} is not NAME=value", next_step="mend the line, or git checkout .env")
        knobs[pair[1]] = pair[3]
    return knobs
