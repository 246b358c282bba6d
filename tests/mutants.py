"""Changes one thing at a time in what decides a bill, and sees whether a quick suite notices.

usage: python tests/mutants.py [--number 300] [--seed 1] [--jobs 1] [--only PATH] [--again FILE]

A mutant is one changed operator, constant, condition or statement of the rules' code, of the
ledger or of the claims, or one changed value of a payer's rule. Each is put into a copy of the
project; the suite runs there, and a mutant that it does not notice survives.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from compileall import compile_dir
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from queue import Queue

ROOT = Path(__file__).parent.parent
CODE = (
    *("ccbill/rules/*.py", "ccbill/ledger/*.py", "ccbill/claims.py", "ccbill/drafts.py"),
    *("ccbill/held_lines.py", "ccbill/digests.py"),
)
RULES = ("ccbill/payers/*/*.toml",)
PRINTED = {"say", "page", "catalog", "diff", "template", "roles", "edit", "lines", "tell"}
BILLED = "tests/test_ledger_runs.py::test_"
STORED = "tests/test_ledger_store.py::test_"
PROVED = "tests/test_receipts.py::test_"
SENT = "tests/test_ledger_golden.py::test_after_august_was_submitted"
OF_RULES = (
    *("tests/test_cases.py", "tests/test_every_word.py", "tests/test_rules_load.py"),
    "tests/test_reference.py::test_run_agrees_with_the_independent_reading[0-all-plans-as_it_is]",
)
OF_CODE = (
    *("tests/test_units.py", "tests/test_look_backs.py", *OF_RULES, "tests/test_overlays.py"),
    *("tests/test_rule_questions.py", "tests/test_near_misses.py"),
    f"{SENT}[run-a-superset]",
    f"{SENT}[run-with-20-late-rows]",
    f"{BILLED}work_that_earned_a_standing_claim_is_not_billed_again_in_another_chart",
)
OF_LEDGER = (
    *("tests/test_ledger_changes.py", "tests/test_ledger_golden.py", "tests/test_ledger_keys.py"),
    f"{STORED}the_file_is_the_users_alone_whatever_the_umask",
    f"{STORED}it_is_written_ahead_and_synchronous",
    f"{STORED}it_is_where_it_was_told_to_be",
    f"{STORED}a_newer_ledger_is_refused",
    f"{STORED}another_programs_database_is_refused",
    f"{STORED}a_damaged_ledger_is_refused_with_what_to_do[middle]",
    f"{STORED}a_ledger_is_checked_whole_at_its_opening_unless_it_is_large",
    f"{STORED}an_older_ledger_is_brought_forward_after_a_copy",
    f"{STORED}a_migration_that_fails_changes_nothing",
    f"{STORED}a_run_waits_and_then_says_in_one_line_that_another_has_it",
    f"{STORED}a_ledger_that_is_not_written_ahead_is_waited_for",
    f"{PROVED}verify_finds_a_change_of_any_value",
    f"{PROVED}a_ledger_from_before_the_seals_is_proved_from_its_next_opening_on",
    f"{BILLED}a_better_encounter_that_comes_late_changes_nothing",
    f"{BILLED}a_changed_authorization_replaces_the_claim_under_its_first_id",
    f"{BILLED}a_late_contact_in_a_file_of_its_own_is_held_and_not_lost",
    f"{BILLED}a_rejected_replacement_leaves_the_first_claim_standing",
    f"{BILLED}history_that_cannot_be_read_is_refused_whole",
    f"{BILLED}imported_history_is_not_billed_again",
    f"{BILLED}two_ids_of_one_patient_are_one",
)
WORKERS = 2  # processes that share a suite
CPU_LIMIT = 90  # seconds of one process; a mutant that never ends is noticed, a slow machine's not
TIME_LIMIT = 1800  # seconds, for one that waits for ever
CCM = "ccbill/payers/medicare-ccm/chronic-care-management"
# Changes after which all is said and billed as before: the file, a part of the line, what is
# changed in it, and why nobody can tell.
NOTHING_CHANGES = (
    *(
        ("ccbill/ledger/packed.py", "ROWS_TOGETHER =", old, "how many rows are read at a time")
        for old in ("2", "16")
    ),
    ("ccbill/ledger/packed.py", "<= FEW", "len(words) <= FEW", "how texts are written, not which"),
    (
        "ccbill/ledger/packed.py",
        "series.dtype != object",
        'series.dtype != object and (len(series) or series.dtype.kind in "biuf")',
        "texts and bytes are told apart by Arrow too",
    ),
    ("ccbill/ledger/packed.py", "use_threads=False", "False", "threads read the same table"),
    ("ccbill/ledger/packed.py", "pre_buffer=False", "False", "how the same bytes are read"),
    ("ccbill/ledger/store.py", "_CACHE =", "256", "how much memory SQLite takes at most"),
    ("ccbill/ledger/store.py", "_CACHE =", "10", "how much memory SQLite takes at most"),
    (
        "ccbill/ledger/store.py",
        "> deadline",
        "time.monotonic() > deadline",
        "the same but for a moment",
    ),
    ("ccbill/ledger/settle.py", "cumcount()", "False", "equal lines are numbered in any order"),
    ("ccbill/ledger/record.py", "number += 1", "1", "equal lines have keys of their own still"),
    ("ccbill/ledger/standing.py", "assign(spoken=", "True", "only that there is a value is asked"),
    ("ccbill/ledger/standing.py", '.sort_values(["run", "n"]', "True", "rows are taken by place"),
    (
        "ccbill/ledger/standing.py",
        "texts = {name",
        '{name for name, kind in CLAIMS.items() if kind == TEXT} | {"key", "person", "practice"}',
        "the type of a column without a row",
    ),
    ("ccbill/ledger/submit.py", 'zip(sent["claim_id"]', "True", "two columns of one table"),
    ("ccbill/ledger/submit.py", "zip(*columns.values()", "True", "the columns of one table"),
    ("ccbill/ledger/submit.py", 'zip(first["decided_plan"]', "True", "two columns of one table"),
    ("ccbill/ledger/submit.py", 'zip(who, first["service_date"]', "True", "columns of one table"),
    (
        "ccbill/ledger/replay.py",
        "> begun.get",
        "event > begun.get(claim, 0)",
        "an event that numbers claims bills none",
    ),
    ("ccbill/drafts.py", "values or [0]", "0", "there is no line without a bill"),
    (
        "ccbill/drafts.py",
        "pd.DataFrame(columns, copy=False)",
        "False",
        "a copy of columns that nobody writes to",
    ),
    ("ccbill/drafts.py", "told = zip(", "True", "figures of the same groups"),
    ("ccbill/drafts.py", "for n in names), False])", "False", "no line is without a payer"),
    ("ccbill/drafts.py", 'np.append(facts.codes("payer"), -1)', "1", "no line is without a payer"),
    ("ccbill/drafts.py", "for n in range(4)", "4", "a fifth modifier that nobody asks for"),
    (
        "ccbill/held_lines.py",
        "np.flatnonzero(np.append(hit, False)",
        "False",
        "a row without a line is named after no claim",
    ),
    (
        "ccbill/held_lines.py",
        "held = np.append(lines, False)",
        "False",
        "every row of a billed group has a line",
    ),
    ("ccbill/claims.py", "PLANS = 1024", "1024", "a plan's number is less than either"),
    ("ccbill/claims.py", "copy=False", "False", "a copy of columns that nobody writes to"),
    ("ccbill/claims.py", "in listed.categories), 0]", "0", "neither is more than twelve diagnoses"),
    (
        "ccbill/claims.py",
        "* PLANS +",
        'facts.codes("patient").astype(np.int64) * PLANS + decisions.plan',
        "each patient and plan has a number of its own still",
    ),
    *(
        ("ccbill/rules/facts.py", "LATE =", old, "later than every time of a day all the same")
        for old in ("24", "60")
    ),
    ("ccbill/rules/facts.py", "part.max(initial=0)", "0", "each key has a number of its own still"),
    (
        "ccbill/rules/facts.py",
        "part.max(initial=0)",
        "key * (int(part.max(initial=0)) + 1) + part",
        "each key has a number of its own still",
    ),
    ("ccbill/rules/facts.py", "part.max(initial=0)", "1", "each key has a number of its own still"),
    (
        "ccbill/rules/facts.py",
        "self.codes(name)[rows] + 1",
        "1",
        "each has a number of its own still",
    ),
    (
        "ccbill/rules/facts.py",
        "len(self.patients) + 1",
        "1",
        "the last place is of no patient still",
    ),
    ("ccbill/rules/assign.py", "left_out_by_kind] = -1", "1", "below 0 all the same"),
    ("ccbill/rules/facts.py", "+ 12 * 1970", "12", "each month has a number of its own still"),
    ("ccbill/rules/facts.py", "of_patient = ", "0", "the next line says what stands there"),
    ("ccbill/rules/facts.py", "= -1 if self.is_text", "1", "a row of no patient is held before"),
    ("ccbill/rules/prior.py", "drop=True", "True", "a column more that nobody reads"),
    ("ccbill/rules/prior.py", "copy=False", "False", "a copy of columns that nobody writes to"),
    ("ccbill/rules/facts.py", "np.where(blank, 0,", "0", "what is blank is not asked further"),
    ("ccbill/rules/prior.py", "ignore_index=True", "True", "rows are taken by place"),
    (
        "ccbill/rules/model.py",
        "months: int = 0",
        "0",
        "every screen that asks for months says them",
    ),
    ("ccbill/rules/model.py", "affects_lines: bool", "True", "every change says it itself"),
    ("ccbill/rules/edits.py", "found[1:]", "1", "there is one table of each name; zip counts two"),
    ("ccbill/rules/screen.py", "np.full(len(key), -1", "1", "below every value all the same"),
    (
        "ccbill/rules/examples.py",
        "if day <",
        "day < service.first_day",
        "no day within the edition comes here",
    ),
    ("ccbill/rules/parse.py", "bills.done()", "bills.done()", "each of its names was read"),
    ("ccbill/rules/parse.py", "zip(service.", "True", "each was read from one of these tables"),
    ("ccbill/rules/parse.py", "if step else 0", "0", "without a step nothing comes after it"),
    (
        f"{CCM}.2015-01-01.toml",
        'who = { credential = ["physician", "app"]',
        '"physician", ',
        "without `alone_from` this clock always joins the staff's, where all others are",
    ),
    *(
        (f"{CCM}.{year}-01-01.toml", part, old, why)
        for year in (2015, 2017, 2019, 2021, 2022)
        for part, old, why in (
            (
                'who = { credential = ["licensed", "MA", "CMA"]',
                '"licensed", ',
                "the first clock is that of everybody who has no other",
            ),
            *(
                (
                    'prefer = ["99487", "99490"',
                    old,
                    "the practitioner's time joins the staff's: never two of these in a month",
                )
                for old in ('"99487", ', '"99490", ')
            ),
            (
                "at_most = 1",
                "1",
                "the practitioner's time joins the staff's: never two of these in a month",
            ),
        )
    ),
)
OTHER = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: the bytes from `start` to `end` of a file become `text`."""

    path: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.old!r} becomes {self.new!r}"


def mutants() -> list[Mutant]:
    """Every mutant, in the order of files and places."""
    found: list[Mutant] = []
    for patterns, of in ((CODE, of_code), (RULES, of_rules)):
        for pattern in patterns:
            for path in sorted(ROOT.glob(pattern)):
                if path.stem not in PRINTED:
                    found += of(str(path.relative_to(ROOT)), path.read_text())
    return found


def of_code(path: str, source: str) -> Iterator[Mutant]:
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    data = source.encode()

    def place(node: ast.AST, new: str) -> Mutant:
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        return Mutant(path, node.lineno, start, end, data[start:end].decode(), new)

    tree = ast.parse(source)
    for node in _running(tree):
        for changed in _changed(node):
            yield place(node, changed)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run and are no annotation, docstring, message or default of a record."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "exc", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.JoinedStr) or not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            yield child
            yield from _running(child)


def _changed(node: ast.AST) -> Iterator[str]:
    """The node's source after each change that it takes."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in OTHER:
            yield ast.unparse(ast.Compare(node.left, [OTHER[type(operator)]()], node.comparators))
        case ast.BinOp(op=operator) if type(operator) in OTHER and not _is_text(node):
            changed = ast.BinOp(node.left, OTHER[type(operator)](), node.right)
            yield f"({ast.unparse(changed)})"
        case ast.BoolOp(op=operator):
            yield f"({ast.unparse(ast.BoolOp(OTHER[type(operator)](), node.values))})"
        case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
            yield f"({ast.unparse(operand)})"
        case ast.Constant(value=bool(value)):
            yield str(not value)
        case ast.Constant(value=int(value)):
            yield str(value + 1)
        case ast.Expr(value=ast.Call()):
            yield "pass"
        case ast.If(test=test, body=body, orelse=[]):
            yield f"if not ({ast.unparse(test)}):\n" + _indented(body, node.col_offset)
        case ast.AugAssign(op=operator) if type(operator) in OTHER:
            yield ast.unparse(ast.AugAssign(node.target, OTHER[type(operator)](), node.value))


def _indented(body: list[ast.stmt], column: int) -> str:
    lines = "\n".join(ast.unparse(statement) for statement in body).splitlines()
    return "\n".join(" " * (column + 4) + line for line in lines)


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.JoinedStr)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )


_SKIPPED = re.compile(r"^\s*(#|title|why|say|cite|url|checked|because|author|page|\[source)")
_VALUE = re.compile(
    r"(?<![\w.\"-])(?P<number>\d+)(?![\w.\"-])|\b(?P<truth>true|false)\b"
    r"|\"(?P<part>counts|does-not-count)\"|(?P<element>\"[a-z0-9-]+\", )"
)


def of_rules(path: str, source: str) -> Iterator[Mutant]:
    """A number one larger, a yes for a no, a list without one of its elements."""
    at = 0
    example = False
    for number, line in enumerate(source.splitlines(keepends=True), 1):
        if line.startswith("["):
            example = line.startswith("[[example]]")
        if not example and not _SKIPPED.match(line):
            for found in _VALUE.finditer(line):
                start = at + len(line[: found.start()].encode())
                old = found[0]
                yield Mutant(path, number, start, start + len(old.encode()), old, _other(found))
        at += len(line.encode())


def _other(found: re.Match[str]) -> str:
    if found["number"]:
        return str(int(found["number"]) + 1)
    if found["truth"]:
        return "false" if found["truth"] == "true" else "true"
    if found["part"]:
        return '"counts"' if found["part"] == "does-not-count" else '"does-not-count"'
    return ""


def suite_of(path: str) -> tuple[str, ...]:
    """What a change of this file may fail, in at most 20 seconds."""
    if path.endswith(".toml"):
        return OF_RULES
    return OF_LEDGER if "/ledger/" in path else OF_CODE


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the project with a Python of its own that imports from there."""

    root: Path

    @property
    def python(self) -> Path:
        return self.root / ".venv/bin/python"

    def survives(self, mutant: Mutant) -> bool:
        path = self.root / mutant.path
        whole = path.read_bytes()
        path.write_bytes(whole[: mutant.start] + mutant.new.encode() + whole[mutant.end :])
        try:
            return self.passes(suite_of(mutant.path))
        finally:
            path.write_bytes(whole)

    def passes(self, suite: tuple[str, ...]) -> bool:
        options = ("-x", "-q", "-n", str(WORKERS), "-p", "no:cacheprovider")
        command = [str(self.python), "-m", "pytest", *options, *suite]
        limited = ["sh", "-c", f'ulimit -t {CPU_LIMIT}; exec "$0" "$@"', *command]
        try:
            done = subprocess.run(
                limited,
                cwd=self.root,
                env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""},
                capture_output=True,
                timeout=TIME_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def copied(root: Path) -> Copy:
    """A new copy; it takes the libraries of the Python that runs this."""
    for name in ("ccbill", "tests", "sample_data", "pyproject.toml", "README.md"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / ".venv"], check=True)
    ours = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    [site] = (root / ".venv").glob("lib/python*/site-packages")
    (site / "copy.pth").write_text(f"{root}\n{ours}\n")
    # a file's time tells too little here: mutants of one second and one length are many
    checked = PycInvalidationMode.CHECKED_HASH
    compile_dir(root / "ccbill", quiet=1, invalidation_mode=checked)
    return Copy(root)


def reason(mutant: Mutant) -> str:
    """Why the mutant changes nothing, '' where it is not known to."""
    line = (ROOT / mutant.path).read_text().splitlines()[mutant.line - 1]
    return next(
        (
            why
            for path, part, old, why in NOTHING_CHANGES
            if path == mutant.path and part in line and old == mutant.old
        ),
        "",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", default="", help="mutants of paths that hold this text")
    parser.add_argument(
        "--again",
        type=Path,
        help="what this printed of the same rules and code; those that survived there",
    )
    asked = parser.parse_args()
    possible = [m for m in mutants() if asked.only in m.path]
    chosen = random.Random(asked.seed).sample(possible, min(asked.number, len(possible)))
    if asked.again:
        before = set(asked.again.read_text().splitlines())
        chosen = [m for m in possible if f"survives: {m}" in before]
    print(f"{len(possible)} mutants, of which {len(chosen)} are tried (seed {asked.seed})")
    with tempfile.TemporaryDirectory() as folder:
        copies: Queue[Copy] = Queue()
        for number in range(asked.jobs):
            copies.put(copied(Path(folder) / str(number)))
        first = copies.get()
        for name, suite in (("rules", OF_RULES), ("code", OF_CODE), ("ledger", OF_LEDGER)):
            began = time.monotonic()
            if not first.passes(suite):
                sys.exit(f"the suite of the {name} fails on the project as it is")
            print(f"the suite of the {name} takes {time.monotonic() - began:.0f} s", flush=True)
        copies.put(first)

        def tried(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                survives = copy.survives(mutant)
            finally:
                copies.put(copy)
            if survives:
                print(f"survives: {mutant}\n  {reason(mutant)}", flush=True)
            return survives

        with ThreadPoolExecutor(asked.jobs) as pool:
            survive = [*pool.map(tried, chosen)]
    print(summary([m for m, survives in zip(chosen, survive, strict=True) if survives], chosen))


def summary(survivors: Sequence[Mutant], chosen: Sequence[Mutant]) -> str:
    noticed = len(chosen) - len(survivors)
    nothing = sum(bool(reason(mutant)) for mutant in survivors)
    return (
        f"{len(chosen)} tried: {noticed} noticed, {nothing} that change nothing as said above, "
        f"{len(survivors) - nothing} others\n"
        f"noticed: {noticed / len(chosen):.1%} of all, "
        f"{noticed / (len(chosen) - nothing):.1%} of those that change something"
    )


if __name__ == "__main__":
    main()
