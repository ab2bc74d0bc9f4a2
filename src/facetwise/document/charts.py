"""Charts as SVG text, drawn by Vega-Lite from the values of a chart block.

Text and axes take the colour of the page (`currentColor`); series carry fixed hues that survive colour blindness and
grey printing, and differ in dash as well. Lines and bars are labelled directly instead of by a legend.
"""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from facetwise.document.model import Chart

# Four hues of differing lightness; also told apart by dash or by their labels.
HUES = ("#0b5cad", "#a35200", "#00796b", "#7b3fa0")
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2])
_WIDTH = 640


def svg(chart: Chart) -> str:
    """Return the chart as an SVG element without roles; the page says what it shows."""
    return _draw(json.dumps(_spec(chart), sort_keys=True))


@functools.lru_cache(maxsize=256)
def _draw(spec: str) -> str:
    import vl_convert

    text: str = vl_convert.vegalite_to_svg(spec)
    text = re.sub(r' (?:role|aria-[a-z]+|class|pointer-events)="[^"]*"', "", text)
    text = re.sub(r'<path d="[^"]*" display="none"/>|<path d="M0,0h0v0h0Z"/>', "", text)
    return text.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def _spec(chart: Chart) -> dict[str, Any]:
    layers = {"line": _lines, "bars": _bars, "ranges": _ranges}[chart.kind](chart)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": _WIDTH,
        "background": None,
        "padding": {"left": 4, "right": 8, "top": 6, "bottom": 4},
        **layers,
        "config": {
            "font": "Source Sans 3, system-ui, Segoe UI, Roboto, Helvetica, Arial, sans-serif",
            "view": {"stroke": None},
            "text": {"fontSize": 13, "color": "currentColor"},
            "axis": {
                "labelColor": "currentColor",
                "titleColor": "currentColor",
                "labelFontSize": 13,
                "titleFontSize": 13,
                "titleFontWeight": "normal",
                "domainColor": "#888888",
                "tickColor": "#888888",
                "gridColor": "#888888",
                "gridOpacity": 0.25,
                "labelLimit": 260,
                "labelPadding": 5,
            },
        },
    }


def _values(chart: Chart) -> list[dict[str, Any]]:
    return [
        {"series": series.name, "x": label, "y": float(value), "order": number}
        for number, series in enumerate(chart.series)
        for label, value in series.points
    ]


def _number_format(chart: Chart) -> str:
    return "$,.0f" if chart.money else ",.0f"


def _color(chart: Chart) -> dict[str, Any]:
    names = [series.name for series in chart.series]
    hues = [HUES[number % len(HUES)] for number in range(len(names))]
    return {"field": "series", "type": "nominal", "legend": None, "scale": {"domain": names, "range": hues}}


def _lines(chart: Chart) -> dict[str, Any]:
    names = [series.name for series in chart.series]
    labels = list(dict.fromkeys(label for series in chart.series for label, _ in series.points))
    ends = _spread(
        [
            {"series": series.name, "x": series.points[-1][0], "y": float(series.points[-1][1])}
            for series in chart.series
            if series.points
        ],
        max((float(value) for series in chart.series for _, value in series.points), default=1.0),
    )
    longest = max((len(name) for name in names), default=0)
    return {
        "height": 280,
        "width": max(360, _WIDTH - 7 * longest),
        "data": {"values": _values(chart)},
        "encoding": {
            "x": {
                "field": "x",
                "type": "ordinal",
                "sort": labels,
                "title": None,
                "axis": {"labelAngle": 0, "grid": False},
            },
            "y": {
                "field": "y",
                "type": "quantitative",
                "title": chart.y,
                "scale": {"zero": True, "nice": True},
                "axis": {
                    "format": _number_format(chart),
                    "tickCount": 5,
                    "titleAlign": "left",
                    "titleAngle": 0,
                    "titleY": -8,
                    "titleX": -30,
                },
            },
            "color": _color(chart),
        },
        "layer": [
            {
                "mark": {"type": "line", "strokeWidth": 2.5},
                "encoding": {
                    "strokeDash": {
                        "field": "series",
                        "legend": None,
                        "scale": {"domain": names, "range": [_DASHES[n % len(_DASHES)] for n in range(len(names))]},
                    }
                },
            },
            {"mark": {"type": "point", "filled": True, "size": 36}},
            {
                "data": {"values": ends},
                "mark": {"type": "text", "align": "left", "dx": 9, "fontWeight": "bold"},
                "encoding": {"text": {"field": "series"}, "y": {"field": "label_y", "type": "quantitative"}},
            },
        ],
    }


def _spread(ends: list[dict[str, Any]], highest: float) -> list[dict[str, Any]]:
    """Move end labels apart where lines end close together."""
    apart = highest / 280 * 17
    placed: float | None = None
    for end in sorted(ends, key=lambda one: one["y"]):
        end["label_y"] = end["y"] if placed is None else max(end["y"], placed + apart)
        placed = end["label_y"]
    return ends


def _bars(chart: Chart) -> dict[str, Any]:
    single = len(chart.series) == 1
    labels = [label for label, _ in chart.series[0].points]
    names = [series.name for series in chart.series]
    text = {"field": "y", "type": "quantitative", "format": _number_format(chart)}
    encoding: dict[str, Any] = {
        "y": {
            "field": "x",
            "type": "nominal",
            "sort": labels,
            "title": None,
            "axis": {"ticks": False, "domain": False},
        },
        "x": {
            "field": "y",
            "type": "quantitative",
            "title": chart.y,
            "scale": {"zero": True},
            "axis": {"format": _number_format(chart), "tickCount": 5},
        },
        "color": _color(chart),
    }
    if not single:
        encoding["yOffset"] = {"field": "series", "sort": names}
    named = text if single else {"field": "label", "type": "nominal"}
    values = _values(chart)
    for value in values:
        shown = f"{value['y']:,.0f}"
        value["label"] = f"{'$' if chart.money else ''}{shown}  {value['series']}"
    return {
        "height": {"step": 24 if single else 22},
        "width": 420,
        "data": {"values": values},
        "encoding": encoding,
        "layer": [
            {"mark": {"type": "bar", "cornerRadiusEnd": 2}},
            {
                "mark": {"type": "text", "align": "left", "dx": 5},
                "encoding": {"text": named, "color": {"value": "currentColor"}},
            },
        ],
    }


def _ranges(chart: Chart) -> dict[str, Any]:
    """Low, middle and high of each label: three series in that order."""
    low, middle, high = chart.series
    rows = [
        {"x": label, "low": float(a), "mid": float(b), "high": float(c)}
        for (label, a), (_, b), (_, c) in zip(low.points, middle.points, high.points, strict=True)
    ]
    labels = [row["x"] for row in rows]
    money = "$" if chart.money else ""
    for row in rows:
        row["lows"], row["mids"], row["highs"] = (f"{money}{row[key]:,.0f}" for key in ("low", "mid", "high"))
    x = {
        "type": "quantitative",
        "title": chart.y,
        "scale": {"zero": True},
        "axis": {"format": _number_format(chart), "tickCount": 5},
    }
    return {
        "height": {"step": 40},
        "width": 460,
        "data": {"values": rows},
        "encoding": {
            "y": {
                "field": "x",
                "type": "nominal",
                "sort": labels,
                "title": None,
                "axis": {"ticks": False, "domain": False},
            }
        },
        "layer": [
            {
                "mark": {"type": "bar", "height": 8, "color": HUES[0], "opacity": 0.35},
                "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}},
            },
            {
                "mark": {"type": "tick", "color": HUES[0], "thickness": 3, "height": 18},
                "encoding": {"x": {**x, "field": "mid"}},
            },
            {
                "mark": {"type": "text", "align": "right", "dx": -5},
                "encoding": {"x": {**x, "field": "low"}, "text": {"field": "lows"}},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 5},
                "encoding": {"x": {**x, "field": "high"}, "text": {"field": "highs"}},
            },
            {
                "mark": {"type": "text", "dy": -15, "fontWeight": "bold"},
                "encoding": {"x": {**x, "field": "mid"}, "text": {"field": "mids"}},
            },
        ],
    }
