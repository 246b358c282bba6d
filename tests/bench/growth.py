"""How time and memory grow with the rows, as a chart, and what more rows would take."""

from __future__ import annotations

from collections.abc import Mapping
from math import log10
from pathlib import Path

import pygal
from pygal.style import CleanStyle

Grown = Mapping[int, tuple[float, float]]  # by rows: seconds and peak megabytes


def chart(grown: Grown, path: Path) -> None:
    """Seconds and megabytes against rows, every axis in powers of ten."""
    style = CleanStyle(font_family="sans-serif", background="white", plot_background="white")
    drawn = pygal.XY(
        style=style,
        height=340,
        title="ccbill run, CSV to CSV, two cores",
        x_title="rows",
        x_labels=[log10(rows) for rows in grown],
        y_labels=[0, 1, 2, 3, 4],
        x_value_formatter=lambda power: f"{10**power:,.0f}",
        value_formatter=lambda power: f"{10**power:,.0f}",
        show_minor_x_labels=True,
        js=(),
    )
    for name, at in (("seconds", 0), ("peak megabytes", 1)):
        points = [(log10(rows), log10(figures[at])) for rows, figures in grown.items()]
        drawn.add(name, points)
    path.write_bytes(drawn.render())


def slope(grown: Grown) -> float:
    """Seconds for each further million rows, between the two largest logs."""
    (fewer, (first, _)), (more, (second, _)) = sorted(grown.items())[-2:]
    return (second - first) / (more - fewer) * 1e6
