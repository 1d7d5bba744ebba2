"""A Vega-Lite specification becomes SVG: no script, nothing from elsewhere. The same one gives the same bytes."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import vl_convert

from connlab.base.output import visible
from connlab.evidence.vega_lite import Spec
from connlab.report.theme import CONFIG

VERSION = "6.4"  # of Vega-Lite
SHAPES = {"svg", "g", "path", "line", "rect", "circle", "text", "tspan", "defs", "clipPath"}
SHAPES |= {"linearGradient", "radialGradient", "stop"}


def draw(spec: Spec, width: int, name: str) -> str:
    """Draw a chart whose plots are `width` pixels wide, for a page on which nothing else has this name.

    Raises ValueError if Vega-Lite cannot draw it, or if it drew more than shapes and words.
    """
    # The page has the title and the description in its own words.
    sized = _resized(_printable({key: value for key, value in spec.items() if key != "title"}), width)
    try:
        source = vl_convert.vegalite_to_svg(sized, vl_version=VERSION, config=CONFIG, allowed_base_urls=[])
        root = ElementTree.fromstring(source)
    except (ValueError, ElementTree.ParseError) as wrong:
        words = str(wrong).splitlines()[:2]  # the rest is where in its JavaScript
        raise ValueError(" ".join(words)) from wrong
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        if element.tag not in SHAPES or any(re.match(r"on|style|.*href", key) for key in element.attrib):
            raise ValueError(f"a chart is shapes and words, and this one has {element.tag} {element.attrib}")
        for key, value in list(element.attrib.items()):
            if key == "id":
                element.set(key, f"{name}-{value}")
            elif "url(" in value:
                element.set(key, value.replace("url(#", f"url(#{name}-"))
    root.attrib |= {"class": "chart", "role": "img"}
    root.set("aria-label", visible(f"{spec['title']}. {spec['description']}"))
    return ElementTree.tostring(root, encoding="unicode")


def _printable(value: Any) -> Any:
    """Return the same specification; what cannot be printed in its words is shown as what it is."""
    if isinstance(value, dict):
        return {visible(key): _printable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_printable(each) for each in value]
    return visible(value) if isinstance(value, str) else value


def _resized(view: Any, width: int) -> Any:
    """Return the same specification with another width of each plot that has one."""
    if isinstance(view, list):
        return [_resized(each, width) for each in view]
    if not isinstance(view, dict):
        return view
    return {
        key: width if key == "width" and isinstance(value, (int, float))
        else _resized(value, width) if key in ("spec", "vconcat") else value
        for key, value in view.items()
    }  # fmt: skip
