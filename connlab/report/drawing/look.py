"""How a report looks: one style sheet for light, dark and paper.

The six colours are far apart for the colour-blind too, and each has a contrast of at least 3 to its
background (tests/unit/connlab/report/test_svg.py computes it); the fonts are the reader's own.
"""

from __future__ import annotations

LIGHT = {
    "bg": "#ffffff", "ink": "#1b1f24", "soft": "#57606a", "grid": "#e4e7eb", "edge": "#8c959f", "mark": "#6e7781",
    "s0": "#0063b2", "s1": "#c84e00", "s2": "#00805a", "s3": "#a63d8f", "s4": "#806000", "s5": "#4b4fc4",
    "good": "#0a7040", "bad": "#b3261e", "fair": "#7a5700",
}  # fmt: skip
DARK = {
    "bg": "#14171a", "ink": "#e6e9ec", "soft": "#a2abb4", "grid": "#2a2f35", "edge": "#6b757f", "mark": "#9aa4ae",
    "s0": "#58b0f4", "s1": "#ff9a57", "s2": "#3ecb9c", "s3": "#ee8fd0", "s4": "#e8c34a", "s5": "#aaa6ff",
    "good": "#58d090", "bad": "#ff8a80", "fair": "#e8c34a",
}  # fmt: skip
DASHES = ("none", "9 5", "2.5 4", "14 4 3 4", "5 3")


def _set(colours: dict[str, str]) -> str:
    return ":root{" + "".join(f"--{name}:{value};" for name, value in colours.items()) + "}"


STYLE = "\n".join([
    _set(LIGHT),
    "@media screen and (prefers-color-scheme:dark){" + _set(DARK) + "}",
    *(f".s{at}{{stroke:var(--s{at})}}" for at in range(6)),
    *(f".d{at}{{stroke-dasharray:{dash}}}" for at, dash in enumerate(DASHES)),
    """
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0 auto;padding:28px 24px 60px;max-width:900px;background:var(--bg);color:var(--ink);
 font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;overflow-wrap:anywhere}
h1{font-size:28px;line-height:1.2;margin:0 0 4px}
h2{font-size:19px;line-height:1.3;margin:0 0 4px}
p{margin:0 0 12px}
.run{color:var(--soft);font-size:14px;margin-bottom:24px}
figure{margin:40px 0 0;break-inside:avoid}
figcaption p{color:var(--soft)}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:14px;line-height:1.4}
th,td{text-align:left;vertical-align:top;padding:6px 14px 6px 0;border-bottom:1px solid var(--grid)}
th{color:var(--soft);font-weight:600;border-bottom-color:var(--edge)}
.claims{width:100%;min-width:520px;overflow-wrap:break-word}
.claims tr{break-inside:avoid}
.verdict{font-weight:600;white-space:nowrap}
.holds{color:var(--good)}.refuted{color:var(--bad)}.depends{color:var(--fair)}
.none td,.none .verdict{color:var(--soft);font-weight:400}
svg.chart{display:block;width:100%;min-width:520px;height:auto;overflow:visible;font:12px system-ui,-apple-system,
 "Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;fill:var(--ink)}
svg.chart line{stroke:var(--grid);shape-rendering:crispEdges}
svg.chart line.zero{stroke:var(--edge)}
svg.chart line.mark{stroke:var(--mark);stroke-dasharray:3 3}
svg.chart text.tick,svg.chart text.title,svg.chart text.mark{fill:var(--soft)}
svg.chart text.tick{font-variant-numeric:tabular-nums}
svg.chart text.mark{stroke:var(--bg);stroke-width:4px;paint-order:stroke}
svg.chart .line,svg.chart .sample{fill:none;stroke-linejoin:round}
svg.chart .sample{stroke-width:2.4}
svg.chart.points .sample{stroke-dasharray:0 99}
svg.chart .dots,svg.chart .leader{fill:none}
svg.chart .leader{stroke:var(--edge);stroke-width:.75}
svg.chart .m{fill:var(--bg);stroke-width:1.6}
svg.chart.points .m{fill:none;stroke-opacity:.8}
svg.chart .tip{fill:transparent}
svg.chart .tip:hover{stroke:var(--ink);stroke-width:1.5}
details{margin-top:8px;font-size:14px;color:var(--soft)}
summary{cursor:pointer}
.data{display:flex;flex-wrap:wrap;gap:8px 40px;align-items:flex-start}
.data table{font-size:13px;font-variant-numeric:tabular-nums}
.data caption{text-align:left;font-weight:600;padding:10px 0 2px;color:var(--ink)}
.data td,.data th{text-align:right;padding:2px 14px 2px 0}
code{font-size:.92em}
@media print{body{padding:0;max-width:none}details{display:none}figure{margin-top:24px}}
""",
])  # fmt: skip
