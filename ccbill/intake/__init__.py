"""Exports → activities: every row read, typed, and given its first problem or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ccbill import progress
from ccbill.config import Settings
from ccbill.errors import CcbillError, Exit, Message
from ccbill.intake import checks, columns, companions, details, heading, practices, report
from ccbill.intake import files as reading
from ccbill.intake.activities import fill_blanks, first_problem, stacked, table, with_ids
from ccbill.intake.columns import Matched, Wanted
from ccbill.intake.parts import Part, companion, typed, with_ragged
from ccbill.intake.table import Table
from ccbill.intake.text import Text
from ccbill.tables import Intake, Note, check_activities
from ccbill.vocabulary import fold

NO_PLANS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _File:
    """An input whose headings were found."""

    table: Table
    matched: Matched
    wanted: Wanted


def read(
    exports: Sequence[str],
    settings: Settings,
    *,
    patients: Path | None,
    staff: Path | None,
    sheet: str | None,
    plan_of: Mapping[str, int] = NO_PLANS,
) -> Intake:
    """Every row of the exports, with what the companion files add to it.

    `-` is standard input, and a folder stands for the files in it; `sheet` names the sheet of
    exports that are workbooks; `plan_of` numbers the plans of payers' names, so that two names of
    one plan are known to be one payer. Files that cannot be used and columns that cannot be found
    stop the run, all of them in one CcbillError; a cell that cannot be read holds its row only.
    """
    exports = reading.in_folders(exports)
    files, patients_file, staff_file = _opened(exports, settings, patients, staff, sheet)
    parts, ragged = _typed(files, settings)
    del files  # the parts hold what is still needed of them
    rows = stacked(parts)
    last_year = max((p.last_year for p in parts if p.last_year), default=None)
    patients_part = _companion(patients_file, settings, last_year)
    staff_part = _companion(staff_file, settings, last_year)
    others = [part for part in (patients_part, staff_part) if part is not None]
    rows.notes += [note for part in others for note in (*part.table.notes, *part.notes)]
    companions.add_staff(rows, staff_part)
    file_patient = companions.add_patients(rows, patients_part, plan_of)
    fill_blanks(rows, settings)
    practices.check_npis(rows, settings)
    practices.settle(rows, settings)
    details.by_month(rows)
    ids = with_ids(rows, ragged)
    problem = first_problem(rows)
    unreadable = report.unreadable(rows, problem)
    rows.let_files_go()
    activities = check_activities(table(rows, ids, problem))
    rows.notes += _unused_headings([*parts, *others], settings)
    rows.notes += report.nearly_read(parts, others, settings)
    return Intake(
        activities,
        details.patients_table(rows, patients_part, file_patient),
        report.given(parts, others, settings),
        unreadable,
        rows.notes,
        report.inputs([*parts, *others]),
        report.mapping([*parts, *others]),
        (rows.text["note"].codes, rows.text["note"].values) if "note" in rows.text else None,
        findings=report.unclear(rows),
        panel=companions.panel(patients_part, settings) if patients_part else None,
    )


def _opened(
    exports: list[str],
    settings: Settings,
    patients: Path | None,
    staff: Path | None,
    sheet: str | None,
) -> tuple[list[_File], _File | None, _File | None]:
    """All inputs with their headings found, or one error with everything that is wrong."""
    named = [*exports, *(str(path) for path in (patients, staff) if path)]
    names = reading.labels(named)
    messages: list[Message] = []
    for path in sorted({path for path in exports if exports.count(path) > 1}):
        messages.append(Message(path, "is named twice", checks.NOTHING, "name each export once"))
    wanted = [columns.wanted_activities(settings)] * len(exports)
    wanted += [columns.wanted_patients(settings)] if patients else []
    wanted += [columns.wanted_staff(settings)] if staff else []
    files: list[_File | None] = []
    done = progress.files(named, progress.READING, progress.UNDERSTANDING)
    for path, name, want, before in zip(named, names, wanted, done, strict=True):
        progress.begins(f"reading {name}", before)
        own_sheet = sheet if want.role == "activities" else None
        files.append(_file(path, name, want, own_sheet, settings, messages))
    found = dict(zip(("patients", "staff"), (patients, staff), strict=True))
    rest = iter(files[len(exports) :])
    others = {role: next(rest) if path else None for role, path in found.items()}
    payer = "payer" in settings.defaults or _has(others["patients"], "payer")
    for file in files:
        if file is not None:
            messages += _heading_messages(
                file, settings, payer or bool(patients and not others["patients"])
            )
    if messages:
        raise CcbillError(Exit.INPUT, *messages)
    return [f for f in files[: len(exports)] if f], others["patients"], others["staff"]


def _has(file: _File | None, column: str) -> bool:
    return file is not None and column in file.matched.columns


def _file(
    path: str,
    name: str,
    wanted: Wanted,
    sheet: str | None,
    settings: Settings,
    messages: list[Message],
) -> _File | None:
    try:
        found = reading.table(path, name, wanted, sheet, settings.workbook)
    except CcbillError as error:
        messages.extend(error.messages)
        return None
    if sheet and not found.about["sheet"]:
        what = "is no workbook, so there is no sheet to choose: --sheet was not used"
        found.notes.append(Note("sheet-not-used", name, what))
    return _File(found, columns.match(found.headings, wanted), wanted)


def _heading_messages(file: _File, settings: Settings, payer: bool) -> list[Message]:
    groups = list(file.wanted.needed)
    if file.wanted.role == "activities" and not payer:
        groups.append(("payer",))
    needed = checks.missing(file.matched, groups)
    found = checks.messages(file.table, file.matched, file.wanted, needed)
    if file.wanted.role == "activities":
        ignored = {fold(heading) for heading in settings.ignore_columns}
        found += checks.overlooked(file.table, file.matched, ignored, needed)
    else:
        found += checks.unsaid(file.table, file.matched)
    return found


def _typed(files: list[_File], settings: Settings) -> tuple[list[Part], list[Text]]:
    """The exports in their types, and the cells of their ragged rows."""
    parts, ragged = [], []
    for file in files:
        progress.begins(f"understanding {file.table.name}", progress.UNDERSTANDING)
        clean = heading.cleaned(file.table, file.matched)
        whole, cells, lost = with_ragged(clean)
        part = typed(heading.filled_down(whole, file.matched, settings), file.matched, settings)
        part.hold("ragged", "row-ragged", lost)
        parts.append(part)
        ragged.append(cells)
    return parts, ragged


def _companion(file: _File | None, settings: Settings, last_year: int | None) -> Part | None:
    if file is None:
        return None
    clean = heading.cleaned(file.table, file.matched)
    return companion(clean, file.matched, settings, last_year)


def _unused_headings(parts: Sequence[Part], settings: Settings) -> list[Note]:
    """A note for each heading that ccbill.toml names and no input has."""
    seen = {fold(heading) for part in parts for heading in part.table.headings}
    where = settings.path.name if settings.path else ""
    return [
        Note(
            "heading-not-found",
            f"{where}:[columns] {column}",
            "is a heading that no input has",
            "correct it, or delete the line",
        )
        for column, words in settings.columns.items()
        if fold(words) not in seen
    ]
