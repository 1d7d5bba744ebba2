"""How a report looks, in light and in dark: Vega-Lite draws the light colours, and the page's style sheet trades them.

The colours of lines are far apart for the colour-blind too, and each has a contrast of at least 3 to its background
(tests/unit/connlab/report/test_theme.py computes it); the fonts are the reader's own.
"""

from __future__ import annotations

# By name, the colour on white and the one on black; no two are the same.
COLOURS = {
    "bg": ("#ffffff", "#14171a"), "ink": ("#1b1f24", "#e6e9ec"), "soft": ("#57606a", "#a2abb4"),
    "grid": ("#e4e7eb", "#2a2f35"), "edge": ("#8c959f", "#6b757f"), "mark": ("#6e7781", "#9aa4ae"),
    "s0": ("#0063b2", "#58b0f4"), "s1": ("#c84e00", "#ff9a57"), "s2": ("#00805a", "#3ecb9c"),
    "s3": ("#a63d8f", "#ee8fd0"), "s4": ("#806000", "#e8c34b"), "s5": ("#4b4fc4", "#aaa6ff"),
    "good": ("#0a7040", "#58d090"), "bad": ("#b3261e", "#ff8a80"), "fair": ("#7a5700", "#e8c34a"),
}  # fmt: skip
LIGHT = {name: light for name, (light, _) in COLOURS.items()}
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'
SIZE = 12

CONFIG = {
    "aria": False,  # it is one picture, and its numbers are a table
    "background": None,
    "font": "DejaVu Sans",  # the widest that a reader may have: words get the room that they need there
    "padding": 2,
    "concat": {"spacing": 22},
    "range": {"category": [LIGHT[f"s{at}"] for at in range(6)]},
    "view": {"stroke": None},
    "title": {"anchor": "start", "frame": "group", "color": LIGHT["ink"], "fontSize": SIZE, "fontWeight": "normal",
              "offset": 8},
    "axis": {"labelColor": LIGHT["soft"], "titleColor": LIGHT["soft"], "labelFontSize": SIZE, "titleFontSize": SIZE,
             "titleFontWeight": "normal", "titlePadding": 8, "gridColor": LIGHT["grid"], "domainColor": LIGHT["edge"],
             "tickColor": LIGHT["edge"], "labelPadding": 4},
    "axisX": {"labelFlush": False},
    "axisY": {"domain": False, "ticks": False},
    "line": {"strokeWidth": 2, "color": LIGHT["s0"]},
    "area": {"fillOpacity": 0.18, "color": LIGHT["s0"], "line": {"strokeWidth": 2}},
    "point": {"filled": True, "size": 28, "color": LIGHT["s0"]},
    "rule": {"color": LIGHT["mark"], "strokeDash": [3, 3]},
    "text": {"color": LIGHT["soft"], "fontSize": SIZE, "baseline": "middle"},
}  # fmt: skip
