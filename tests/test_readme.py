"""What the README and the pages of reference say is so: their commands run, their words exist."""

from __future__ import annotations

import csv
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docs
import pytest
from command import Done, ccbill
from pictures import PICTURES
from readme import DOCS, PAGES, README, ROOT, Block, anchors, blocks, links, spans, tables
from test_init import complete

from ccbill import config, vocabulary
from ccbill.errors import Exit
from ccbill.intake import fees
from ccbill.problems import PROBLEMS
from ccbill.report import tables as written
from ccbill.rules import load
from ccbill.rules.parse import missing_problem

SAMPLE = ROOT / "sample_data"
TODAY = "2026-11-02"

# Where a section's commands are typed, as it says itself; elsewhere it is a copy of the repository.
NEW = "Your own log, in three commands"
CRON = "By itself, with cron"
FOLDERS = {
    NEW: "new",
    "Month by month": "repository/ccbill-demo",
    "Why, and how many minutes short": "repository/ccbill-demo",
    CRON: "billing",
}
NOT_RUN = {
    "make run": "it installs; .ci/run does it, and the golden tests bill the same files",
    "make test": "this is it",
    "make lint": ".ci/run does it",
    "make types": ".ci/run does it",
    "make sweep": "it takes long",
    "make bench": "it takes long",
    ". .venv/bin/activate": "the tests have the command already",
}


def run(words: str, cwd: Path) -> Done:
    """A command of the README, typed on the day after the sample's last month."""
    name, *arguments = shlex.split(words)
    assert name == "ccbill", words
    return ccbill(*arguments, cwd=cwd, COLUMNS="80", CCBILL_TODAY=TODAY)


def contains(said: list[str], shown: list[str]) -> bool:
    """Whether the lines shown were said: in this order, without a gap but at `...`."""
    at = 0
    chunk: list[str] = []
    for line in [*shown, "..."]:
        if line != "...":
            chunk.append(line)
            continue
        places = [n for n in range(at, len(said) + 1) if said[n : n + len(chunk)] == chunk]
        if not places:
            return False
        at, chunk = places[0] + len(chunk), []
    return True


class Reader:
    """Somebody who types what the README shows, section by section, and compares."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.said: list[str] = []  # in the section so far
        self.done: list[str] = []
        for folder in ("repository", "new", "billing"):
            (home / folder).mkdir()
        shutil.copytree(SAMPLE, home / "repository" / "sample_data")
        shutil.copyfile(SAMPLE / "small_log.csv", home / "new" / "small_log.csv")
        for file in ("activities", "patients", "staff", "fees"):
            shutil.copyfile(SAMPLE / f"{file}.csv", home / "billing" / f"{file}.csv")
        shutil.copyfile(SAMPLE / "ccbill.toml", home / "billing" / "ccbill.toml")

    def read(self) -> None:
        section, cwd = None, self.home
        for block in blocks():
            if block.section != section:
                section, self.said = block.section, []
                cwd = self.home / FOLDERS.get(section, "repository")
            cwd = getattr(self, f"_{block.language or 'shown'}")(block, cwd)

    def _type(self, words: str, cwd: Path, code: int = 0) -> Done:
        done = run(words, cwd)
        self.done.append(words)
        assert done.returncode == code, (words, done.stderr)
        self.said += [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]
        return done

    def _sh(self, block: Block, cwd: Path) -> Path:
        if block.lines[0].startswith("#!"):
            self._script(block, cwd)
            return cwd
        for words in block.commands():
            if words.startswith("cd "):
                cwd = cwd / words.removeprefix("cd ")
            elif words not in NOT_RUN:
                self._type(words, cwd)
        return cwd

    def _script(self, block: Block, cwd: Path) -> None:
        """As cron runs it: with no more of an environment than its table gives."""
        file = cwd / block.lines[1].split()[1]
        file.write_text("\n".join(block.lines) + "\n", encoding="utf-8")
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        done = subprocess.run(
            ["sh", str(file), "2026-10"],
            cwd=self.home,
            env={"HOME": str(self.home), "PATH": path, "CCBILL_TODAY": TODAY},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == "2026-10: see 2026-10/exceptions.xlsx\n"
        assert "rows read = " in done.stderr
        assert (cwd / "2026-10" / "claims.xlsx").exists()
        self.done.append(block.lines[1])

    def _crontab(self, block: Block, cwd: Path) -> Path:
        *settings, job = block.lines
        assert all(re.match("[A-Z]+=", line) for line in settings)
        *when, script = job.split()
        assert len(when) == 5
        assert script == "$HOME/billing/bill-last-month"
        return cwd

    def _console(self, block: Block, cwd: Path) -> Path:
        for words, shown in block.said():
            wrong = shown[0].startswith("ccbill.toml:")
            if wrong:
                settings = cwd / "ccbill.toml"
                settings.write_text(settings.read_text().replace("[kinds]", "[kindz]"))
            done = self._type(words, cwd, Exit.REFUSED if wrong else Exit.DONE)
            said = [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]
            assert contains(said, shown), (words, said)
        return cwd

    def _shown(self, block: Block, cwd: Path) -> Path:
        assert contains(self.said, [line.rstrip() for line in block.lines]), block.lines
        return cwd

    def _toml(self, block: Block, cwd: Path) -> Path:
        text = "\n".join(block.lines) + "\n"
        if block.section == NEW:
            settings = cwd / "ccbill.toml"
            edit = [line for line in block.lines if " = " in line]
            settings.write_text(complete(settings.read_text(), *edit))
        elif "[[screen]]" in block.lines:
            file = ROOT / "ccbill/payers/bcbsm-pdcm/care-coordination.2013-04-01.toml"
            rule = iter(file.read_text(encoding="utf-8").splitlines())
            assert all(line in rule for line in block.lines if line)  # in order, with gaps
        elif "[set]" in block.lines:
            [file] = (SAMPLE / "overlays" / "outreach-cap").rglob("*.toml")
            assert text in file.read_text(encoding="utf-8")
        else:
            (cwd / "shown.toml").write_text(text)
            config.load(cwd / "shown.toml")
        return cwd


def test_every_command_runs_as_written_and_says_what_is_shown(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.read()
    assert len(reader.done) > 15
    written = {words for block in blocks() if block.language == "sh" for words in block.commands()}
    assert set(NOT_RUN) == {words for words in written if words.startswith(("make", "."))}
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = {words.split()[1] for page in PAGES for words in spans(page) if words[:5] == "make "}
    assert named | {words.split()[1] for words in NOT_RUN if words[:4] == "make"} <= {*targets}


TREE = dict(docs.tree())
OPTIONS = {
    words: {name for each in command.params for name in each.opts} | {"-h", "--help"}
    for words, command in TREE.items()
}
EVERY_OPTION = set().union(*OPTIONS.values()) | {"--version"}
GROUPS = {"ccbill", "ccbill ledger", "ccbill rules"}


def named_command(words: str) -> str:
    """The command that these words begin with, blank where there is none."""
    return max((each for each in TREE if f"{words} ".startswith(f"{each} ")), key=len, default="")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_option_in_the_text_exists(page: Path) -> None:
    shown = [
        words for block in blocks(page) if block.language == "sh" for words in block.commands()
    ]
    for words in [*spans(page), *shown]:
        options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", words))
        if words.startswith("ccbill ") and words not in GROUPS:
            command = named_command(words)
            assert command or words == "ccbill --help", words
            assert options <= OPTIONS.get(command, EVERY_OPTION), words
        elif words.startswith("--"):
            assert options <= EVERY_OPTION, words


@pytest.mark.parametrize("name", docs.PAGES)
def test_the_pages_that_are_made_are_as_the_program_is(name: str) -> None:
    made = docs.PAGES[name]()
    assert (DOCS / name).read_text(encoding="utf-8") == made, "run make docs"


def test_every_exit_code_is_told() -> None:
    told = [row[0] for row in tables(README)["What comes out"]]
    codes = [int(each) for cell in told for each in cell.split(",") if each.strip().isdigit()]
    assert codes == sorted(Exit)


def first_column(rows: list[list[str]]) -> list[str]:
    """The names in the first cells, `modifier_1` … `modifier_4` written out."""
    names = []
    for cell, *_ in rows:
        first, *last = re.findall(r"`([^`]+)`", cell)
        if last:
            stem, end = last[0].rsplit("_", 1)
            names += [f"{stem}_{n}" for n in range(1, int(end) + 1)]
        else:
            names.append(first)
    return names


COLUMNS: dict[str, Any] = {
    "claims": written.CLAIMS,
    "exceptions": written.EXCEPTIONS,
    "To do": written.TO_DO,
    "near_misses": written.NEAR_MISSES,
    "unreadable_rows": written.UNREADABLE_ROWS,
    "balance": written.BALANCE,
    "activities": written.ACTIVITIES,
    "Summary": written.SUMMARY,
    "Rules used": written.RULES_USED,
    "Notes": written.NOTES,
    "Run": written.RUN,
    "--fees": fees.COLUMNS,
}
COMPANIONS = ("--patients", "--staff")
EXPORT = "An export: one row for each piece of work"


@pytest.mark.parametrize("section", COLUMNS)
def test_every_column_is_told_in_its_order(section: str) -> None:
    assert first_column(tables(DOCS / "columns.md")[section]) == [*COLUMNS[section]]


def test_every_column_that_is_read_is_told() -> None:
    told = tables(DOCS / "columns.md")
    assert {*told} == {*COLUMNS, *COMPANIONS, EXPORT}
    of_export = first_column(told[EXPORT])
    of_companions = [name for each in COMPANIONS for name in first_column(told[each])]
    assert {*of_export, *of_companions} == {*vocabulary.columns()}
    assert of_export == [name for name in vocabulary.columns() if name in of_export]


def test_every_setting_is_told() -> None:
    told = tables(DOCS / "settings.md")
    for section, keys in config.schema().items():
        if isinstance(keys, dict) and section != "columns":
            assert sorted(first_column(told.pop(section))) == sorted(keys), section
        else:
            assert f"\n## {section}\n" in (DOCS / "settings.md").read_text(encoding="utf-8")
    code = "".join(path.read_text() for path in (ROOT / "ccbill").rglob("*.py"))
    variables = {*re.findall(r'"(CCBILL_[A-Z]+)"', code)} - {"CCBILL_DEBUG"}  # of --debug
    assert {*first_column(told.pop("Environment"))} == variables | {"NO_COLOR"}
    assert told == {}


def rule_words(value: Any) -> Iterator[str]:
    """Every key and text in a rule file."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from rule_words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from rule_words(inner)
    elif isinstance(value, str):
        yield value


def words_of_rules() -> set[str]:
    found = set()
    for path in [*(ROOT / "ccbill" / "payers").rglob("*.toml"), *SAMPLE.rglob("overlays/*/*/*")]:
        found |= {*rule_words(tomllib.loads(path.read_text(encoding="utf-8")))}
        found |= {path.parent.name, path.name.split(".")[0]}
    return found


def known_words() -> set[str]:
    """Every word with a hyphen or an underscore that the program takes, writes or says."""
    settings = config.schema()
    return {
        *PROBLEMS,
        *vocabulary.kinds(),
        *vocabulary.modes(),
        *vocabulary.columns(),
        *settings,
        *(key for keys in settings.values() if isinstance(keys, dict) for key in keys),
        *(name for each in COLUMNS.values() for name in each),
        *words_of_rules(),
        *(word for command in TREE for word in command.split()),
        *("ccbill-out", "ccbill-demo", "not-reached", "left-out", "follow-up", "based_on"),
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_name_in_the_text_is_one_of_the_programs(page: Path) -> None:
    names = {each for each in spans(page) if re.fullmatch(r"[a-z]+([-_][a-z0-9]+)+", each)}
    others = {"duration_unit", "provider_id"}  # headings of exports of other programs
    assert sorted(names - known_words() - others) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_picture_is_made_shown_and_small() -> None:
    folder = SAMPLE / "pictures"
    shown = {Path(link).name for link in links(README) if link.startswith("sample_data/pictures")}
    drawn_by_bench = "growth.svg"
    assert shown == {*PICTURES, drawn_by_bench} == {path.name for path in folder.iterdir()}
    assert all(path.stat().st_size < 150_000 for path in folder.iterdir())


def of_rules() -> Iterator[tuple[str, str]]:
    """What each problem does to a row in the shipped rules."""
    for plan in load.shipped():
        for rule in plan.kind_rules:
            yield rule.problem, "hold" if rule.holds else "left-out"
        for screen in (*plan.screens, *(s for each in plan.services for s in each.screens)):
            yield screen.problem, "hold" if screen.holds else "left-out"
            if screen.verb in ("require", "count_only") and screen.blank == "holds":
                asked = {missing_problem(name) for test in screen.tests for name in test}
                yield from ((problem, "hold") for problem in asked & {*PROBLEMS})
        for limit in (each for service in plan.services for each in service.limits):
            if limit.over in ("leave-out", "hold"):
                yield limit.problem, "left-out" if limit.over == "leave-out" else "hold"


def of_samples() -> Iterator[tuple[str, str]]:
    """What each problem does to a row in the sample's output."""
    for path in (SAMPLE / "expected").rglob("*.csv"):
        if path.name in ("activities.csv", "exceptions.csv"):
            with path.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    does = row.get("severity") or row["outcome"].replace("held", "hold")
                    if row["problem"]:
                        yield row["problem"], does


def test_problems_do_what_the_page_says() -> None:
    found = {*of_rules(), *of_samples()}
    wrong = [(name, does) for name, does in found if does not in PROBLEMS[name].severity]
    assert wrong == []


def test_sources_of_the_answers_are_those_of_the_rules() -> None:
    text = README.read_text(encoding="utf-8")
    answers = text[text.index("## Questions") : text.index("## What the plans do")]
    cited = {*re.findall(r"`((?:micmt|cms|cpt|pdcm|ecm)-[a-z0-9]+)`", answers)}
    sources = {name for plan in load.shipped() for name in plan.sources}
    assert len(cited) >= 5
    assert cited <= sources
