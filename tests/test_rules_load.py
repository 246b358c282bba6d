"""The shipped rule files are sound; one that is not is refused with its file, key and fix."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ccbill import vocabulary
from ccbill.errors import CcbillError, Exit
from ccbill.rules import examples
from ccbill.rules.load import plan, read, shipped, shipped_files
from ccbill.rules.model import Plan
from ccbill.rules.parse import EPOCH, VERBS
from ccbill.rules.table import Document

SHIPPED = Path(str(files("ccbill"))) / "payers"
PLANS = [p.name for p in shipped()]
COPIED = "bcbsm-pdcm"

COORDINATION = "care-coordination.2013-04-01.toml"
CONFERENCE = "team-conference.2013-04-01.toml"
ASSESSMENT = "comprehensive-assessment.2012-04-01.toml"
GROUP = "group-education.2012-04-01.toml"
PHONE = "phone-contact.2012-04-01.toml"
PAYER = "payer.toml"

CLOCK = '[[clock]]\nname = "all"\nwho = { credential = ["RN"] }\nalone_from = 0\n\n[[screen]]'
ONE_VERB = f"give exactly one of: {', '.join(VERBS)}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of one plan's rule files, to be changed."""
    return Path(shutil.copytree(SHIPPED / COPIED, tmp_path / COPIED))


def refusal(folder: Path) -> str:
    """The one message with which the folder's rules are refused."""
    with pytest.raises(CcbillError) as refused:
        examples.check([plan(folder.name, read(folder))])
    assert refused.value.code == Exit.REFUSED
    (message,) = refused.value.messages
    return str(message)


def said(where: str, what: str, fix: str) -> str:
    return f"{COPIED}/{where}: {what}\n  The rules are not used; nothing was written.\n  fix: {fix}"


# what is done → the file, the text that is replaced and by what; then the line of the message, as
# text that stands on it (None: the whole file), its key, what is wrong, and the fix
Mutation = tuple[str, str, str, str | None, str, str, str]
MUTATIONS: dict[str, Mutation] = {
    "a key that is not known": (
        GROUP,
        'cite = "opportunities"\n',
        'cite = "opportunities"\ncites = "page 2"\n',
        "cites =",
        "cites",
        "is not known here",
        "did you mean 'cite'?, or take the line out",
    ),
    "a key that is not known, in an inner table": (
        GROUP,
        "group_size = { from = 5, to = 8 }",
        "group_size = { from = 5, upto = 8 }",
        "upto",
        "screen.1.count_only.group_size.upto",
        "is not known here",
        "did you mean 'to'?, or take the line out",
    ),
    "a key that is not known, of a threshold": (
        COORDINATION,
        "once_at = { minutes = 31 }",
        "once_at = { minutes = 31, hours = 1 }",
        "hours",
        "bill.1.once_at.hours",
        "is not known here",
        "use one of: minutes, or take the line out",
    ),
    "a key that is not known, of a source": (
        PAYER,
        "[source.ccbill]\n",
        '[source.ccbill]\nlink = "x"\n',
        "link =",
        "source.ccbill.link",
        "is not known here",
        "use one of: checked, title, url, or take the line out",
    ),
    "a key that is not known, of what cannot be checked": (
        PAYER,
        'contracts vary."\n',
        'contracts vary."\npage = 2\n',
        "page =",
        "cannot_check.1.page",
        "is not known here",
        "use one of: say, or take the line out",
    ),
    "a needed key misspelt": (
        COORDINATION,
        'standing = "published"',
        'standnig = "published"',
        "[[bill]]",
        "bill.1.standing",
        "is missing",
        "rename standnig",
    ),
    "no citation": (
        COORDINATION,
        'cite = "micmt-99487"\n',
        "",
        None,
        "cite",
        "is missing",
        "add cite",
    ),
    "a citation without its source": (
        COORDINATION,
        'cite = "cpt-time"',
        'cite = "cpt-tme"',
        "cpt-tme",
        "bill.2.cite",
        "'cpt-tme' is not known",
        "did you mean 'cpt-time'?",
    ),
    "an address that is a number": (
        PAYER,
        "[source.pdcm-2013]\n",
        "[source.pdcm-2013]\nurl = 1\n",
        "url = 1",
        "source.pdcm-2013.url",
        "is not a text",
        'write url = "…"',
    ),
    "no standing": (
        COORDINATION,
        'standing = "published"\n',
        "",
        "[[bill]]",
        "bill.1.standing",
        "is missing",
        "add standing",
    ),
    "a standing that is none": (
        COORDINATION,
        'standing = "published"',
        'standing = "probable"',
        "probable",
        "bill.1.standing",
        "is 'probable'",
        "use one of: assumed, published, read",
    ),
    "an edition that ends after the next one begins": (
        CONFERENCE,
        "per = [",
        "ends = 2026-04-01\nper = [",
        "ends =",
        "ends",
        "is after the next edition begins",
        "end it the day before, or leave `ends` out",
    ),
    "an edition that ends before it begins": (
        CONFERENCE,
        "per = [",
        "ends = 2013-03-31\nper = [",
        "ends =",
        "ends",
        "is before the edition begins",
        "give a later day, or take the file away",
    ),
    "an end that is no date": (
        CONFERENCE,
        "per = [",
        'ends = "2026-03-31"\nper = [',
        "ends =",
        "ends",
        "is not a date",
        "write ends = 2026-04-01, without quotes",
    ),
    "more minutes than a month has": (
        COORDINATION,
        "once_at = { minutes = 31 }",
        "once_at = { minutes = 44641 }",
        "44641",
        "bill.1.once_at.minutes",
        "is 44641",
        "give a number from 0 to 44640",
    ),
    "a step of no minutes": (
        COORDINATION,
        "per_step = { minutes = 30",
        "per_step = { minutes = 0",
        "per_step",
        "bill.2.per_step.minutes",
        "is 0",
        "give a number from 1 to 44640",
    ),
    "a step after more minutes than a month has": (
        COORDINATION,
        "after = 75",
        "after = 44641",
        "after",
        "bill.2.per_step.after",
        "is 44641",
        "give a number from 0 to 44640",
    ),
    "a filing limit of no days": (
        PAYER,
        "filing_limit_days = 180",
        "filing_limit_days = 0",
        "filing_limit_days",
        "filing_limit_days",
        "is 0",
        "give a number from 1 to 1500",
    ),
    "a grace period of ten years": (
        PAYER,
        "within_months = 6",
        "within_months = 121",
        "within_months",
        "screen.4.trained.within_months",
        "is 121",
        "give a number from 0 to 120",
    ),
    "a key of training that is not known": (
        PAYER,
        "within_months = 6 }",
        "within_months = 6, grace = 1 }",
        "within_months",
        "screen.4.trained.grace",
        "is not known here",
        "use one of: by, within_months, or take the line out",
    ),
    "a number in quotes": (
        COORDINATION,
        "once_at = { minutes = 31 }",
        'once_at = { minutes = "31" }',
        "once_at",
        "bill.1.once_at.minutes",
        "is not a whole number",
        "write minutes = 0",
    ),
    "a number where a table belongs": (
        COORDINATION,
        "once_at = { minutes = 31 }",
        "once_at = 31",
        "once_at",
        "bill.1.once_at",
        "is not a table",
        "write once_at = { … }",
    ),
    "a text where a list belongs": (
        COORDINATION,
        'per = ["patient", "practice", "month"]',
        'per = "month"',
        "per =",
        "per",
        "is not a list of texts",
        'write per = ["…", "…"]',
    ),
    "a payer's name alone": (
        PAYER,
        "payers = [",
        'payers = "BCBSM"\nothers = [',
        "payers =",
        "payers",
        "is not a list of texts",
        'write payers = ["…", "…"]',
    ),
    "a kind of work that is not known": (
        COORDINATION,
        'kind = ["care-coordination", "portal-message"]',
        'kind = ["care-coordinaton", "portal-message"]',
        "takes =",
        "takes.kind",
        "'care-coordinaton' is not known",
        "did you mean 'care-coordination'?",
    ),
    "an administrative kind that is not known": (
        PAYER,
        'kinds = ["reminder"]',
        'kinds = ["remindr"]',
        "remindr",
        "leave_out.2.kinds",
        "'remindr' is not known",
        "did you mean 'reminder'?",
    ),
    "a mode that is not known": (
        COORDINATION,
        '"text", "secure-email"',
        '"txt", "secure-email"',
        "txt",
        "screen.1.leave_out.mode",
        "'txt' is not known",
        "did you mean 'text'?",
    ),
    "a credential that is not known": (
        COORDINATION,
        'hold_when = { credential = ["physician"] }',
        'hold_when = { credential = ["physican"] }',
        "hold_when",
        "screen.2.hold_when.credential",
        "'physican' is not known",
        "did you mean 'physician'?",
    ),
    "a problem that is not known": (
        COORDINATION,
        'problem = "left-out-mode"',
        'problem = "left-out-mod"',
        "problem =",
        "screen.1.problem",
        "'left-out-mod' is not known",
        "did you mean 'left-out-mode'?",
    ),
    "a field that is not known": (
        COORDINATION,
        "hold_when = { credential ",
        "hold_when = { credentials ",
        "hold_when",
        "screen.2.hold_when.credentials",
        "'credentials' is not known",
        "did you mean 'credential'?",
    ),
    "a key of groups that is not known": (
        COORDINATION,
        '"practice", "month"',
        '"practise", "month"',
        "per =",
        "per",
        "'practise' is not known",
        "did you mean 'practice'?",
    ),
    "a part of a step that neither counts nor not": (
        COORDINATION,
        'part_step = "counts"',
        'part_step = "count"',
        "part_step",
        "bill.2.per_step.part_step",
        "is 'count'",
        "did you mean 'counts'?",
    ),
    "a limit that keeps the shortest": (
        PHONE,
        'keep = "longest"',
        'keep = "shortest"',
        "keep =",
        "limit.1.keep",
        "is 'shortest'",
        "use one of: earliest, longest",
    ),
    "a day of service that is none": (
        PAYER,
        '"last-activity"',
        '"last-activty"',
        "date_of_service",
        "date_of_service",
        "is 'last-activty'",
        "did you mean 'last-activity'?",
    ),
    "an add-on without its base": (
        COORDINATION,
        'needs = "99487"',
        'needs = "99488"',
        "needs =",
        "bill.2.needs",
        "names 99488, which this file does not bill",
        "name one of: 99487",
    ),
    "two verbs in a screen": (
        COORDINATION,
        "hold_when =",
        'leave_out = { mode = ["mail"] }\nhold_when =',
        "[[screen]]",
        "screen.2",
        "has both leave_out and hold_when",
        ONE_VERB,
    ),
    "a screen without a verb": (
        COORDINATION,
        'hold_when = { credential = ["physician"] }\n',
        "",
        "[[screen]]",
        "screen.2",
        "has none of its verbs",
        ONE_VERB,
    ),
    "a screen without a reason": (
        COORDINATION,
        'why = "any licensed or unlicensed care-team member may bill, and this is none"\n',
        "",
        "[[screen]]",
        "screen.3.why",
        "is missing",
        "add why",
    ),
    "a screen that tests nothing": (
        COORDINATION,
        'hold_when = { credential = ["physician"] }',
        "hold_when = {}",
        "hold_when",
        "screen.2.hold_when",
        "no field is named",
        "name a field and its values",
    ),
    "a value named twice": (
        COORDINATION,
        '["licensed", "unlicensed", "app", "physician"]',
        '["licensed", "licensed"]',
        '"licensed", "licensed"',
        "screen.3.count_only.credential",
        "names something twice",
        "name each once",
    ),
    "a limit with two verbs": (
        ASSESSMENT,
        "at_most = 1\n",
        'at_most = 1\nnot_with = ["G9002"]\n',
        "[[limit]]",
        "limit.1",
        "has both at_most and not_with",
        "give exactly one of: at_most, not_with",
    ),
    "a limit without a verb": (
        ASSESSMENT,
        "at_most = 1\n",
        "",
        "[[limit]]",
        "limit.1",
        "has none of its verbs",
        "give exactly one of: at_most, not_with",
    ),
    "an example that fails": (
        COORDINATION,
        "bills = { 99487 = 1 }",
        "bills = { 99487 = 2 }",
        "[[example]]",
        "example.1",
        "it bills 99487 x 1, and the file says 99487 x 2",
        "mend the rule or the example",
    ),
    "a problem of a note that names no code": (
        CONFERENCE,
        'say = "no other member of the care team is logged"\n',
        'say = "no other member of the care team is logged"\nproblem = "mdm-missing"\n',
        'problem = "mdm-missing"',
        "note.1.problem",
        "is not known here",
        "use one of: beside, could_earn, everyone, say, or take the line out",
    ),
    "a service that has no file": (
        PAYER,
        '"declined-program",',
        '"declined-program", "hospice",',
        "services =",
        "services",
        "no file for the service 'hospice'",
        "add hospice.<date>.toml, or take it out of `services`",
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_rule_file_that_is_not_understood_is_refused(folder: Path, name: str) -> None:
    file, old, new, line, key, what, fix = MUTATIONS[name]
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    mutated = text.replace(old, new, 1)
    (folder / file).write_text(mutated, encoding="utf-8")
    where = f"{file}:{line_of(mutated, line, key)}" if line else file
    assert refusal(folder) == said(f"{where}: {key}", what, fix)


@pytest.mark.parametrize(
    ("file", "heading"),
    [
        *((ASSESSMENT, heading) for heading in ("[[screen]]", "[[bill]]", "[[limit]]")),
        *((CONFERENCE, heading) for heading in ("[[note]]", "[[example]]")),
        *((PAYER, heading) for heading in ("[[leave_out]]", "[source.ccbill]")),
    ],
)
def test_a_key_too_many_is_refused_in_every_table(folder: Path, file: str, heading: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert heading in text
    surplus = text.replace(f"{heading}\n", f"{heading}\nsurplus = 1\n", 1)
    (folder / file).write_text(surplus, encoding="utf-8")
    assert "surplus: is not known here" in refusal(folder)


def test_a_key_too_many_is_refused_in_a_clock(folder: Path) -> None:
    text = (folder / COORDINATION).read_text(encoding="utf-8")
    clock = CLOCK.replace("alone_from = 0", "surplus = 1")
    (folder / COORDINATION).write_text(text.replace("[[screen]]", clock, 1), encoding="utf-8")
    assert "clock.1.surplus: is not known here" in refusal(folder)


BOUNDS = [
    (COORDINATION, "minutes = 31", "minutes = -1", (0, 44_640)),
    (COORDINATION, "minutes = 30,", "minutes = 0,", (1, 44_640)),
    (COORDINATION, "after = 75", "after = -1", (0, 44_640)),
    (COORDINATION, 'needs = "99487"', 'needs = "99487"\nat_most = 0', (1, 1000)),
    (COORDINATION, "[[screen]]", CLOCK, (1, 44_640)),
    (ASSESSMENT, "at_most = 1", "at_most = 0", (1, 1000)),
    (ASSESSMENT, "at_most = 1", "at_most = 1\ndays = 0", (1, 3660)),
    (ASSESSMENT, "at_most = 1", "at_most = 1\nlifetime = -1", (0, 1000)),
    (COORDINATION, "bills = { 99487 = 1 }", "bills = { 99487 = -1 }", (0, 1000)),
    (PHONE, "from = 5 }", "from = -1 }", (0, 44_640)),
    (PHONE, "to = 10 }", "to = -1 }", (0, 44_640)),
]


@pytest.mark.parametrize(("file", "old", "new", "bounds"), BOUNDS)
def test_a_number_past_its_bounds_is_refused_with_both(
    folder: Path, file: str, old: str, new: str, bounds: tuple[int, int]
) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    assert refusal(folder).endswith(f"give a number from {bounds[0]} to {bounds[1]}")


def line_of(text: str, words: str, key: str) -> int:
    """The line on which the words stand; of `[[screen]]`, the one that the key counts."""
    lines = [n for n, line in enumerate(text.splitlines(), 1) if words in line]
    return lines[int(key.split(".")[1]) - 1] if words.startswith("[[") else lines[0]


def rewritten(name: str, change: Callable[[str], str]) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(change((folder / name).read_text()))


FILES: dict[str, tuple[Callable[[Path], object], str, str, str]] = {
    "no payer.toml": (
        lambda folder: (folder / PAYER).unlink(),
        "payer.toml",
        "there is no such file",
        "every plan has one",
    ),
    "a file that payer.toml does not list": (
        lambda folder: (folder / GROUP).rename(folder / "group-eduction.2012-04-01.toml"),
        "group-eduction.2012-04-01.toml",
        "payer.toml lists no service 'group-eduction'",
        "add it to `services`, or rename the file; did you mean 'group-education'?",
    ),
    "a file name without a date": (
        lambda folder: (folder / GROUP).rename(folder / "group-education.toml"),
        "group-education.toml",
        "the name holds no date: 'group-education'",
        "name it <service>.<yyyy-mm-dd>.toml, the day it comes into force",
    ),
    "a file name with a word for a date": (
        lambda folder: (folder / GROUP).rename(folder / "group-education.April.toml"),
        "group-education.April.toml",
        "the name holds no date: 'April'",
        "name it <service>.<yyyy-mm-dd>.toml, the day it comes into force",
    ),
    "a bracket that is not closed": (
        rewritten(GROUP, lambda text: text.replace("[[bill]]", "[[bill]", 1)),
        f"{GROUP}:{line_of((SHIPPED / COPIED / GROUP).read_text(), '[[bill]]', 'bill.1')}",
        "is not TOML: Expected ']]' at the end of an array declaration",
        "mend the line named",
    ),
    "bytes that are no text": (
        lambda folder: (folder / GROUP).write_bytes(b'title = "\xff"'),
        GROUP,
        "is not UTF-8 text",
        "save it again as UTF-8",
    ),
    "no bill": (
        rewritten(GROUP, lambda text: text.partition("[[bill]]")[0]),
        f"{GROUP}: bill",
        "there is no [[bill]]",
        "say which code it earns",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_make_no_plan_are_refused(folder: Path, name: str) -> None:
    change, where, what, fix = FILES[name]
    change(folder)
    assert refusal(folder) == said(where, what, fix)


def test_the_copy_itself_is_accepted(folder: Path) -> None:
    copied = plan(COPIED, read(folder))
    examples.check([copied])
    assert copied == shipped()[PLANS.index(COPIED)]


def test_steps_may_begin_at_the_first_minute(folder: Path) -> None:
    file = folder / COORDINATION
    file.write_text(file.read_text().replace("after = 75", "after = 0"))
    [service] = [s for s in plan(COPIED, read(folder)).services if s.file.endswith(COORDINATION)]
    assert [bill.after for bill in service.bills] == [0, 0]


@pytest.mark.parametrize("day", [date(2013, 4, 1), date(2026, 3, 31)])
def test_an_edition_may_end_on_any_day_of_its_own(folder: Path, day: date) -> None:
    file = folder / CONFERENCE
    file.write_text(file.read_text().replace("per = [", f"ends = {day}\nper = [", 1))
    [ended] = [s for s in plan(COPIED, read(folder)).services if s.file.endswith(CONFERENCE)]
    assert ended.last_day == day.toordinal() - EPOCH


def test_a_new_edition_takes_over_on_its_day(folder: Path) -> None:
    shutil.copy(folder / GROUP, folder / "group-education.2027-01-01.toml")
    editions = [s for s in plan(COPIED, read(folder)).services if s.name == "group-education"]
    assert editions[0].last_day + 1 == editions[1].first_day


# The files that are shipped


@pytest.mark.parametrize("each", shipped(), ids=PLANS)
def test_every_example_of_every_rule_holds(each: Plan) -> None:
    assert [str(message) for message in examples.failures(each)] == []


@pytest.mark.parametrize("each", shipped(), ids=PLANS)
def test_every_plan_leaves_out_every_administrative_kind(each: Plan) -> None:
    left_out = {kind for rule in each.kind_rules if not rule.holds for kind in rule.kinds}
    assert vocabulary.administrative_kinds() <= left_out


@pytest.mark.parametrize("each", shipped(), ids=PLANS)
def test_no_two_editions_of_a_rule_are_in_force_on_one_day(each: Plan) -> None:
    by_name: dict[str, list[tuple[int, int]]] = {}
    for service in each.services:
        assert service.first_day <= service.last_day
        by_name.setdefault(service.name, []).append((service.first_day, service.last_day))
    for spans in by_name.values():
        spans.sort()
        assert all(end < start for (_, end), (start, _) in itertools.pairwise(spans))


def cites(data: Any) -> Iterator[str]:
    """Every text that stands under `cite`, however deep."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "cite":
                yield value
            else:
                yield from cites(value)
    elif isinstance(data, list):
        for value in data:
            yield from cites(value)


@pytest.mark.parametrize("name", PLANS)
def test_every_citation_has_its_source(name: str) -> None:
    documents: dict[str, Document] = shipped_files()[name]
    cited = {cite for document in documents.values() for cite in cites(document.data)}
    sources = documents[PAYER].data["source"]
    assert cited <= set(sources)
    for source in sources.values():
        assert source["title"]
        assert source["checked"]


@pytest.mark.parametrize("each", shipped(), ids=PLANS)
def test_every_plan_says_what_no_export_can_show(each: Plan) -> None:
    assert each.cannot_check


def test_conferences_at_two_practices_on_one_day_are_two() -> None:
    [ecm] = [each for each in shipped() if each.name == "medi-cal-ecm"]
    did = {"kind": "team-conference", "credential": "RN", "participants": "2"}
    at = [did | {"service_date": "2026-03-10", "practice": npi} for npi in ("1", "2")]
    assert examples.billed(ecm, at) == {"G9007": 2}
    assert examples.billed(ecm, [at[0], at[0]]) == {"G9007": 1}


def test_no_payers_name_belongs_to_two_plans() -> None:
    names = [name.casefold() for each in shipped() for name in each.payers]
    assert len(names) == len(set(names))
