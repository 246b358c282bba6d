"""Figures → charts as SVG to be set into a page, which gives them their colours and letters.

The library draws for a file of its own, with styles, scripts, addresses and a date. What is left of
that here are shapes and texts with classes, the same for the same figures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as Xml

import pygal
from markupsafe import Markup
from pygal.style import Style

WIDTH, LETTERS = 360, 13  # in units of the drawing
BAR, GAP, AROUND, COLUMNS_HIGH = 16, 12, 10, 190
VALUE_WIDTH = 70
_KEPT = {"svg", "g", "rect", "path", "text"}
_DROPPED = ("background", "tooltip", "guide line")
_DECIMALS = re.compile(r"-?\d+\.\d+")
_SIZES = {f"{part}_font_size": LETTERS for part in ("label", "major_label", "value", "title")}


@dataclass(frozen=True, slots=True)
class Series:
    """One value for each label, None for none; `look` is the class that the page's style knows."""

    name: str
    look: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows: its id in the page, what it says in words, and its figures."""

    name: str
    title: str
    says: str
    labels: Sequence[str]
    series: Sequence[Series]
    value_text: Callable[[float], str] = "{:,.0f}".format
    axes: tuple[str, str] = ("", "")  # of columns: below them, and beside them


def rows(chart: Chart) -> Markup:
    """Bars to the right, a group for each label from the top down."""
    height = AROUND + len(chart.labels) * (len(chart.series) * BAR + GAP)
    drawing = pygal.HorizontalBar(
        **_settings(chart, height), margin_right=VALUE_WIDTH, show_x_labels=False
    )
    drawing.x_labels = list(reversed(chart.labels))
    for each in chart.series:
        drawing.add(each.name, list(reversed(each.values)))
    return _for_a_page(drawing.render_tree(), chart)


def columns(chart: Chart) -> Markup:
    """Columns side by side over an axis; those of one label stand on one another."""
    settings = _settings(chart, COLUMNS_HIGH)
    below, beside = chart.axes
    drawing = pygal.StackedBar(
        **settings, margin_top=18, show_y_labels=False, x_title=below, y_title=beside
    )
    drawing.x_labels = list(chart.labels)
    for each in chart.series:
        drawing.add(each.name, list(each.values))
    return _for_a_page(drawing.render_tree(), chart)


def _settings(chart: Chart, height: int) -> dict[str, Any]:
    return {
        "style": Style(**_SIZES),
        "width": WIDTH,
        "height": height,
        "margin": 4,
        "spacing": 6,
        "show_legend": False,
        "truncate_label": -1,
        "show_y_guides": False,
        "print_values": True,
        "print_values_position": "top",
        "print_zeroes": False,
        "value_formatter": chart.value_text,
        "no_prefix": True,
        "js": (),
    }


def _for_a_page(root: Xml.Element, chart: Chart) -> Markup:
    """The drawing as an element of a page, with its title and description."""
    _strip(root, [each.look for each in chart.series])
    title, says = f"{chart.name}-title", f"{chart.name}-says"
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "class": "chart",
        "role": "img",
        "aria-labelledby": f"{title} {says}",
    }
    for at, (tag, name, text) in enumerate(
        (("title", title, chart.title), ("desc", says, chart.says))
    ):
        element = Xml.Element(tag, {"id": name})
        element.text = text
        root.insert(at, element)
    return Markup(Xml.tostring(root, encoding="unicode"))


def _strip(element: Xml.Element, looks: Sequence[str]) -> None:
    """Leaves shapes, texts and classes, with the looks of the series and one decimal."""
    for child in list(element):
        shown = child.get("class", "").strip()
        if child.tag not in _KEPT or shown.startswith(_DROPPED):
            element.remove(child)
            continue
        words = [_look(word, looks) for word in shown.split() if "reactive" not in word]
        about = {name: _rounded(value) for name, value in child.attrib.items()}
        child.attrib = {n: v for n, v in about.items() if v and n not in ("id", "style", "class")}
        if words:
            child.attrib["class"] = " ".join(words)
        _strip(child, looks)


def _look(word: str, looks: Sequence[str]) -> str:
    return looks[int(word.removeprefix("color-"))] if word.startswith("color-") else word


def _rounded(text: str) -> str:
    return _DECIMALS.sub(lambda number: f"{float(number[0]):.1f}", text)
