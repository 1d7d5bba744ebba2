"""Words and elements of a page. What a host said reaches HTML only through here, escaped."""

from __future__ import annotations

import html

from connlab.base.output import visible


def text(words: object) -> str:
    r"""Any value as text of a page: markup is escaped, what cannot be printed becomes `\x1b` or `\u202e`."""
    return html.escape(visible(words))


def tag(name: str, content: str = "", /, **attributes: object) -> str:
    """An element: `content` is markup and kept as it is, attributes are values and escaped.

    `class_` is `class`, `stroke_width` is `stroke-width`; a float is rounded to a tenth of a unit.
    """
    given = (f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items())
    start = f"<{name}{''.join(given)}>"
    return start if name == "meta" else f"{start}{content}</{name}>"


def _value(value: object) -> str:
    return text(number(value) if isinstance(value, float) else value)


def number(value: float) -> str:
    """A place on the page, to a tenth of a unit: 12.5, 7."""
    return f"{round(value, 1) + 0.0:g}"
