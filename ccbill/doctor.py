"""Whether all is as it should be before a run: settings, ledger, rules, folders, disk, terminal.

Nothing is changed, nothing is sent, and nothing here knows a patient.
"""

from __future__ import annotations

import locale
import os
import platform
import shlex
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ccbill import __version__, config, where_from
from ccbill.config import Settings
from ccbill.errors import CcbillError
from ccbill.ledger import schema, store, verify
from ccbill.rules import catalog, load
from ccbill.rules.model import Plan
from ccbill.rules.parse import EPOCH, FOREVER
from ccbill.rules.say import day as said
from ccbill.where_from import Setting

OK, LOOK, WRONG = "ok", "look", "wrong"
OLD = 365  # days after which a source should be looked at again
SOON = 60  # days before the end of a rule
LITTLE, TOO_LITTLE = 2**30, 100 * 2**20  # bytes
ALL, WRITES = 0o077, 0o022  # what others may do with a file


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: `ok`, to be looked at, or wrong, and what mends it."""

    name: str
    state: str
    what: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class PlanChecked:
    """A plan's rules in force: how many bill by which standing, and the least lately checked."""

    plan: str
    rules: int
    checked: str
    published: int
    read: int
    assumed: int
    ending: tuple[str, ...]  # services that end soon, and no edition follows


@dataclass(frozen=True, slots=True)
class Asked:
    """What the doctor is to look at, as the options of a run name it."""

    config: Path | None
    ledger: Path | None
    out: Path
    today: date


@dataclass(frozen=True, slots=True)
class Found:
    """All that is told; `cron` is a line for a crontab."""

    checks: tuple[Check, ...]
    settings: tuple[Setting, ...]
    plans: tuple[PlanChecked, ...]
    cron: str


def examined(asked: Asked) -> Found:
    """What was found; a check that cannot be done is one that is wrong."""
    file = config.file_of(asked.config)
    try:
        settings, refused = config.load(asked.config), None
    except CcbillError as error:
        settings, refused = Settings(), error
    path = store.chosen_path(asked.ledger, settings.ledger_path)
    plans, about_rules = _rules(settings, asked.today)
    checks = [
        Check("ccbill", OK, __version__),
        Check("python", OK, f"{platform.python_version()}, {platform.system()}"),
        _configuration(file, refused),
        *_ledger(path),
        *about_rules,
        _folder("output folder", asked.out.absolute(), ALL),
        _disk(asked.out.absolute(), path),
        _terminal(),
    ]
    return Found(
        tuple(checks),
        tuple(where_from.settings(None if refused else file, asked.config, asked.ledger, path)),
        plans,
        _cron(file, path, asked.out),
    )


def _configuration(file: Path | None, refused: CcbillError | None) -> Check:
    if refused is not None:
        first, *more = refused.messages
        rest = f", and {len(more)} more" if more else ""
        return Check("configuration", WRONG, f"{first.where}: {first.what}{rest}", first.fix)
    if file is None:
        return Check("configuration", OK, "no ccbill.toml; every setting has its default")
    return Check("configuration", OK, str(file.absolute()))


def _ledger(path: Path) -> Iterator[Check]:
    """The file, then what it holds."""
    if not path.exists():
        yield Check("ledger", OK, f"{path}: the first run makes it")
        yield _folder("ledger folder", path.parent, WRITES)
        return
    yield _private("ledger", path, ALL)
    yield _folder("ledger folder", path.parent, WRITES)
    try:
        yield from _kept(path)
    except CcbillError as error:
        [message] = error.messages
        yield Check("ledger content", WRONG, message.what, message.fix)


def _kept(path: Path) -> Iterator[Check]:
    """What the ledger holds; one of an older version is not touched."""
    name = "ledger content"
    with store.told(path), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        [version] = db.execute("PRAGMA user_version").fetchone()
    if version < len(schema.MIGRATIONS):
        yield Check(name, LOOK, f"version {version}: the next run brings it up to date")
        return
    with store.opened(path, make=False) as ledger:
        counts = dict(ledger.db.execute("SELECT status, count(*) FROM runs GROUP BY status"))
        runs, drafts = sum(counts.values()), counts.get("draft", 0)
        size = path.stat().st_size
        what = f"version {version}, {size / 2**20:,.1f} MB; runs: {runs:,}, drafts: {drafts:,}"
        yield Check(name, OK, what)
        if size > store.CHECKED_UP_TO:
            fix = "run ccbill ledger verify"
            yield Check("receipts", LOOK, "not checked here, for the ledger is large", fix)
            return
        different = len(list(verify.differences(ledger)))
    if different:
        fix = "see ccbill ledger verify; put back your latest backup"
        yield Check("receipts", WRONG, f"{different:,} do not fit", fix)
    else:
        yield Check("receipts", OK, "every one fits")


def _rules(settings: Settings, today: date) -> tuple[tuple[PlanChecked, ...], list[Check]]:
    try:
        plans = load.plans(settings.overlays)
    except CcbillError as error:
        first = error.messages[0]
        return (), [Check("rules", WRONG, f"{first.where}: {first.what}", first.fix)]
    told = tuple(_plan(plan, today.toordinal() - EPOCH) for plan in plans)
    told = tuple(each for each in told if each.rules)
    count, oldest = sum(each.rules for each in told), min(each.checked for each in told)
    what = f"{count} rules of {len(told)} plans in force, last checked {oldest} or later"
    old = (today - date.fromisoformat(oldest)).days > OLD
    fix = "see whether the payers have published newer ones" if old else ""
    checks = [Check("rules", LOOK if old else OK, what, fix)]
    if assumed := sum(each.assumed for each in told):
        fix = "ask the plan, then write its answer in an overlay"
        checks.append(Check("rules assumed", LOOK, f"{assumed} that no text states", fix))
    if ending := [service for each in told for service in each.ending]:
        fix = "look for the edition that follows"
        checks.append(Check("rules ending", LOOK, ", ".join(ending), fix))
    return told, checks


def _plan(plan: Plan, day: int) -> PlanChecked:
    now = [each for each in plan.services if each.first_day <= day <= each.last_day]
    bills = [bill.standing for service in now for bill in service.bills]
    following = {each.name for each in plan.services if each.first_day > day}
    ending = tuple(
        f"{plan.name} {each.name} on {said(each.last_day)}"
        for each in now
        if each.last_day < min(day + SOON, FOREVER) and each.name not in following
    )
    return PlanChecked(
        plan=plan.name,
        rules=len(bills),
        checked=min((catalog.edition(plan, each).checked for each in now), default=""),
        published=bills.count("published"),
        read=bills.count("read"),
        assumed=bills.count("assumed"),
        ending=ending,
    )


def _private(name: str, path: Path, others: int) -> Check:
    """Whether others may do none of `others` with it, where the system knows such modes."""
    mode = path.stat().st_mode & 0o777
    if os.name == "posix" and mode & others:
        what = f"{path}: others may {'read' if others == ALL else 'write'} it (mode {mode:o})"
        return Check(name, LOOK, what, f"chmod {mode & ~others:o} {shlex.quote(str(path))}")
    return Check(name, OK, str(path))


def _folder(name: str, folder: Path, others: int) -> Check:
    """Whether files can be written into it, or it can be made, and who else gets at them."""
    there = _nearest(folder)
    if not there.is_dir() or not os.access(there, os.W_OK):
        fix = "look who owns it, or name another"
        return Check(name, WRONG, f"{folder}: cannot be written", fix)
    if there != folder:
        return Check(name, OK, f"{folder}: the first run makes it")
    return _private(name, folder, others)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def _disk(*paths: Path) -> Check:
    free = min(shutil.disk_usage(_nearest(path)).free for path in paths)
    what = f"{free / 2**30:,.1f} GB free" if free >= LITTLE else f"{free / 2**20:,.0f} MB free"
    if free < LITTLE:
        return Check("disk", WRONG if free < TOO_LITTLE else LOOK, what, "make room")
    return Check("disk", OK, what)


def _terminal() -> Check:
    encoding = (sys.stdout.encoding or locale.getpreferredencoding()).lower()
    what = encoding
    if sys.stdout.isatty():
        what += f", {shutil.get_terminal_size().columns} columns"
    if os.environ.get("NO_COLOR"):
        what += ", no colour (NO_COLOR)"
    if encoding.replace("-", "") != "utf8":
        fix = "set LANG to a UTF-8 locale, or PYTHONUTF8=1"
        return Check("terminal", LOOK, what, fix)
    return Check("terminal", OK, what)


def _cron(file: Path | None, ledger: Path, out: Path) -> str:
    """A line for a crontab: cron has neither this folder nor this environment."""
    words = [*_command(), "run", str(Path("EXPORT.csv").absolute())]
    words += ["--config", str(file.absolute())] if file else []
    words += ["--ledger", str(ledger), "--out", str(out.absolute()), "--quiet", "--fail-on", "hold"]
    return "15 6 * * 1-5  " + shlex.join(words).replace("%", r"\%")


def _command() -> Sequence[str]:
    """The words that start this very ccbill from anywhere."""
    script = shutil.which(sys.argv[0])
    if script and Path(script).stem == "ccbill":
        return [str(Path(script).absolute())]
    return [sys.executable, "-m", "ccbill"]
