"""The month-end report's sections of staff, panel and entries, and of patients where asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ccbill.report.html.charts import Chart, Series
from ccbill.report.html.parts import (
    NO_PLAN,
    Part,
    Section,
    Table,
    heads,
    held,
    money,
    part,
    percent,
)
from ccbill.report.tables import Report
from ccbill.report.totals import words
from ccbill.tables import UNKNOWN

NAMED = 1_000  # rows of patients in the page, before "and N more"


def staff(everyone: pd.DataFrame) -> Section:
    """Staff without credentials or training."""
    heading = "Staff without credentials or training"
    if everyone.empty:
        fix = "give staff_id or staff_name in the export"
        return Section("staff", heading, [f"The log names no staff: {fix}."])
    says = []
    if everyone["trained"].isna().all():
        says.append("No input has training dates: give them with --staff, as training_date.")
    lacks = (everyone["without_credential"] > 0) | (everyone["held_rows"] > 0)
    table = everyone[(lacks | (everyone["trained"] == "no")).to_numpy(bool)]
    if table.empty:
        return Section("staff", heading, says or ["Nothing is missing of anybody."])
    says.append("Staff are shown as the log's staff column names them: by id where it has ids.")
    trained = ["" if pd.isna(word) else str(word) for word in table["trained"]]
    columns = (
        words(table["staff_id"]),
        [f"{n:,}" for n in table["rows"]],
        [f"{n:,}" for n in table["without_credential"]],
        trained,
        [f"{n:,}" for n in table["held_rows"]],
        [money(cents) for cents in table["held_amount"]],
    )
    figures = Table(
        "Members of staff of whom something is missing",
        heads("Staff id", "#Rows", "#Without credential", "Trained", "#Held rows", "#At stake"),
        [list(row) for row in zip(*columns, strict=True)],
    )
    return Section("staff", heading, says, [Part(figures)])


def panel(table: pd.DataFrame | None) -> Section:
    """The share of the panel that is billed."""
    heading = "Share of the panel billed"
    if table is None:
        fix = "Give the panel with --patients: every patient of the practice, and the payer of each"
        return Section("panel", heading, [f"The panel is not known. {fix}."])
    sums = table[["patients", "with_work", "billed"]].sum()
    names = [str(name) or NO_PLAN for name in table["plan"]]
    columns = [table[name].tolist() for name in ("patients", "with_work", "billed")]
    rows = [
        [name, f"{patients:,}", f"{worked:,}", f"{billed:,}", percent(billed, patients)]
        for name, patients, worked, billed in zip(names, *columns, strict=True)
    ]
    figures = Table(
        "Patients of the patients file, by plan",
        heads("Plan", "#On the panel", "#With work", "#Billed", "#Share billed"),
        rows,
        ["All plans", *(f"{n:,}" for n in sums), percent(sums["billed"], sums["patients"])],
    )
    chart = Chart(
        "panel-chart",
        "Share of the panel billed, by plan",
        "; ".join(f"{row[0]}: {row[-1]}" for row in rows),
        names,
        [Series("billed", "solid", _shares(columns[2], columns[0]))],
        "{:.1f} %".format,
    )
    says = [
        "The panel is everyone in the patients file; where that file lists care-management "
        "patients only, the share says little."
    ]
    return Section("panel", heading, says, [part(figures, chart)])


def _shares(parts: Sequence[int], wholes: Sequence[int]) -> list[float | None]:
    return [100 * a / b if b else None for a, b in zip(parts, wholes, strict=True)]


def documented(table: pd.DataFrame) -> Section:
    """How complete the counted entries are."""
    fields, rows, given = (table[name].tolist() for name in ("field", "rows", "given"))
    figures = Table(
        "Counted rows that give each field",
        heads("Field", "#Given", "#Rows", "#Share"),
        [
            [name, f"{yes:,}", f"{all_:,}", percent(yes, all_)]
            for name, yes, all_ in zip(fields, given, rows, strict=True)
        ],
    )
    chart = Chart(
        "documented-chart",
        "Share of counted rows that give each field",
        "What payers recommend that an entry says.",
        fields,
        [Series("given", "solid", _shares(given, rows))],
        "{:.1f} %".format,
    )
    says = ["What payers recommend that an entry says, and how many of the counted rows say it."]
    parts = [part(figures, chart)]
    return Section("documented", "Completeness of the log", says, parts)


def patients(report: Report) -> Section:
    """Who is held or nearly earns a unit; only where the user asked for patients."""
    stuck, short = held(report.exceptions), report.near_misses
    stuck = stuck[stuck["patient_id"].notna().to_numpy(bool)]
    when = [
        month if day == UNKNOWN else str(np.datetime64(int(day), "D"))
        for month, day in zip(words(stuck["month"]), stuck["service_date"], strict=True)
    ]
    held_table = Table(
        _cut("Held, by patient", len(stuck)),
        heads("Patient id", "Plan", "#When", "Problem", "#At stake", "What mends it"),
        _rows(
            words(stuck["patient_id"]),
            words(stuck["plan"]),
            when,
            words(stuck["problem"]),
            [money(cents) for cents in stuck["amount"]],
            words(stuck["fix"]),
        ),
    )
    near_table = Table(
        _cut("Short of the next unit, by patient", len(short)),
        heads("Patient id", "Plan", "Month", "Code", "#Minutes", "#Needed", "#Short", "#Worth"),
        _rows(
            *(words(short[name]) for name in ("patient_id", "plan", "month", "code")),
            *([f"{n:,}" for n in short[f"{name}_minutes"]] for name in ("have", "need", "short")),
            [money(cents) for cents in short["amount"]],
        ),
    )
    says = ["This page names patients: keep it where the claims are kept."]
    return Section("patients", "Patients", says, [Part(held_table), Part(near_table)])


def _cut(caption: str, rows: int) -> str:
    more = f"; the first {NAMED:,} of {rows:,}" if rows > NAMED else ""
    return f"{caption}{more}"


def _rows(*columns: Sequence[str] | pd.Series[str]) -> list[list[str]]:
    return [list(row) for row in zip(*(column[:NAMED] for column in columns), strict=True)]
