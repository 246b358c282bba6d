"""Rule files → plans: which files make a plan, and from when to when each edition is in force.

Nothing in a rule file is passed over: a key that is not known, a value out of range, a citation
without its source, an edition that overlaps another all stop the run.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ccbill.errors import did_you_mean
from ccbill.rules import overlay
from ccbill.rules.model import Change, Plan, Service, Source
from ccbill.rules.parse import (
    EPOCH,
    FOREVER,
    attested,
    edits,
    kind_rule,
    screen,
    service,
    source,
)
from ccbill.rules.table import Document, refused

PAYER = "payer.toml"


@cache
def shipped() -> tuple[Plan, ...]:
    """The plans that come with ccbill, by name."""
    return tuple(plan(name, rule_files) for name, rule_files in shipped_files().items())


def plans(overlays: Sequence[Path]) -> tuple[Plan, ...]:
    """The plans that come with ccbill with these folders laid over them, in this order, by name."""
    if not overlays:
        return shipped()
    laid = overlay.lay(shipped_files(), overlays)
    found = tuple(
        plan(name, files, laid.changes.get(name, ())) for name, files in sorted(laid.files.items())
    )
    _one_plan_each(found, laid.files)
    return found


def shipped_files() -> dict[str, dict[str, Document]]:
    """The rule files that come with ccbill, by plan and file name."""
    root = files("ccbill") / "payers"
    folders = sorted((f for f in root.iterdir() if f.is_dir()), key=lambda f: f.name)
    found = {folder.name: read(folder) for folder in folders}
    return {name: rule_files for name, rule_files in found.items() if rule_files}


def read(folder: Traversable) -> dict[str, Document]:
    """The rule files of a plan's folder, by name."""
    texts = {f.name: f.read_bytes() for f in folder.iterdir() if f.name.endswith(".toml")}
    return {
        name: Document.read(f"{folder.name}/{name}", data) for name, data in sorted(texts.items())
    }


def _one_plan_each(found: Sequence[Plan], files: overlay.Files) -> None:
    """Refuses a payer's name that two plans have."""
    plan_of: dict[str, str] = {}
    for each in found:
        for number, name in enumerate(each.payers, 1):
            other = plan_of.setdefault(" ".join(name.split()).casefold(), each.name)
            if other != each.name:
                raise refused(
                    f"{files[each.name][PAYER].place(('payers', str(number)))}: payers",
                    f"{name!r} is a payer of {other} too",
                    "take it out of one of them",
                )


def plan(name: str, rule_files: Mapping[str, Document], changes: tuple[Change, ...] = ()) -> Plan:
    """The plan that `payer.toml` and the files `<service>.<in-force-date>.toml` make."""
    if PAYER not in rule_files:
        raise refused(f"{name}/{PAYER}", "there is no such file", "every plan has one")
    table = rule_files[PAYER].table
    sources = {key: source(t) for key, t in table.tables_by_name("source").items()}
    found = Plan(
        name=name,
        title=table.text("title"),
        payers=table.texts("payers"),
        sources=sources,
        kind_rules=tuple(
            kind_rule(t, sources, verb)
            for verb in ("leave_out", "hold")
            for t in table.tables(verb)
        ),
        screens=tuple(screen(t, sources, None) for t in table.tables("screen")),
        services=_services(rule_files, table.texts("services"), sources),
        date_of_service=table.choice(
            "date_of_service", ("last-activity", "threshold-met", "month-end"), "last-activity"
        ),
        filing_limit_days=table.number("filing_limit_days", None, low=1, high=1500),
        line_note=table.text("line_note", ""),
        cannot_check=attested(table),
        edits=edits(table, sources),
        overlays=changes,
        sha256={f"{name}/{file}": rule_files[file].sha256 for file in rule_files},
    )
    table.done()
    return found


def _services(
    rule_files: Mapping[str, Document],
    order: tuple[str, ...],
    sources: Mapping[str, Source],
) -> tuple[Service, ...]:
    """Every edition, in the plan's order of services and then by date, none overlapping."""
    editions: dict[str, list[tuple[int, str]]] = {each: [] for each in order}
    for file in rule_files:
        if file == PAYER:
            continue
        each, dot, day = file.removesuffix(".toml").rpartition(".")
        if dot and each not in editions:
            raise refused(
                rule_files[file].place(),
                f"payer.toml lists no service {each!r}",
                f"add it to `services`, or rename the file; {did_you_mean(each, list(order))}",
            )
        first = _day(rule_files[file].place(), day)
        editions[each].append((first, file))
    services = []
    for each, dated in editions.items():
        if not dated:
            raise refused(
                f"{rule_files[PAYER].place(('services',))}: services",
                f"no file for the service {each!r}",
                f"add {each}.<date>.toml, or take it out of `services`",
            )
        starts = [*sorted(dated), (FOREVER + 1, "")]
        for (first, file), (following, _) in itertools.pairwise(starts):
            table = rule_files[file].table
            services.append(service(table, each, first, following - 1, sources))
    return tuple(services)


def _day(file: str, text: str) -> int:
    try:
        return date.fromisoformat(text).toordinal() - EPOCH
    except ValueError:
        raise refused(
            file,
            f"the name holds no date: {text!r}",
            "name it <service>.<yyyy-mm-dd>.toml, the day it comes into force",
        ) from None
