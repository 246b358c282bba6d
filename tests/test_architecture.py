"""What the code promises of itself: imports go one way, no payer in Python, problems are known."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ccbill.problems import PROBLEMS
from ccbill.rules.load import shipped

PACKAGE = Path(str(files("ccbill")))
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}

# A part of the package → what it never imports, however deep inside a function.
NEVER = {
    "ccbill.intake": ("ccbill.rules", "ccbill.report", "ccbill.claims", "ccbill.exceptions"),
    "ccbill.rules": (
        "ccbill.intake",
        "ccbill.report",
        "ccbill.claims",
        "ccbill.exceptions",
        "ccbill.ledger",
        "ccbill.fees",
    ),
    "ccbill.report": ("ccbill.intake", "ccbill.claims", "ccbill.exceptions", "ccbill.ledger"),
    "ccbill.config": ("ccbill.intake", "ccbill.rules", "ccbill.report"),
    "ccbill.tables": ("ccbill.",),
    "ccbill.errors": ("ccbill.",),
    "ccbill.vocabulary": ("ccbill.",),
    "ccbill.problems": ("ccbill.",),
    "ccbill": ("ccbill.run", "ccbill.cli"),
}
KNOW_ALL = ("ccbill.run", "ccbill.cli", "ccbill.rules_cli", "ccbill.compare", "ccbill.__main__")

# The names that users and the acceptance checks rely on.
PROMISED = """
patient-missing patient-details-differ date-not-read date-ambiguous date-in-future minutes-missing
minutes-not-read minutes-out-of-range minutes-differ-from-times row-ragged cell-damaged
formula-without-value merged-cells payer-missing payer-not-known payer-differs kind-missing
kind-not-known mode-missing mode-not-known credential-missing credential-not-known
credential-unclear practice-missing provider-missing duplicate-row log-incomplete
overlap-same-staff overlap-same-patient long-entry long-day copied-entry service-before-consent
service-after-end left-out-kind left-out-mode left-out-credential below-threshold unit-limit
needs-base-code not-with once-ever one-practitioner two-practices outreach-cap before-enrollment
after-enrollment enrollment-missing authorization-missing authorization-expired consent-missing
care-plan-missing diagnoses-missing mdm-missing training-missing scope-of-service-missing
group-size-missing setting-missing line-of-business-missing practice-not-in-program
no-rule-in-force rule-assumed not-checked not-payable charge-missing npi-invalid month-not-over
original-claim-number-missing timely-filing documentation-incomplete
"""


def within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part.removesuffix('.')}.")


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module of ccbill that the code imports, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else node.module for name in names)


def test_no_import_is_relative() -> None:
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            assert not (isinstance(node, ast.ImportFrom) and node.level), name


@pytest.mark.parametrize("part", NEVER)
def test_imports_go_one_way(part: str) -> None:
    for name, tree in TREES.items():
        if not within(name, part) or any(name.startswith(known) for known in KNOW_ALL):
            continue
        for other in imported(tree):
            for forbidden in NEVER[part]:
                if forbidden == "ccbill.report" and other == "ccbill.report.tables":
                    continue  # the names of the columns that a report has
                assert not within(other, forbidden) or (within(other, part) and part != "ccbill"), (
                    f"{name} imports {other}"
                )


def test_nothing_imports_itself_in_a_circle() -> None:
    """Imports at the top of modules make no circle."""
    top = {
        name: {m for m in imported(ast.Module(tops(tree), [])) if m in MODULES and m != name}
        for name, tree in TREES.items()
    }
    done: set[str] = set()
    while ready := {name for name, needs in top.items() if name not in done and needs <= done}:
        done |= ready
    assert set(top) - done == set()


def tops(tree: ast.Module) -> list[ast.stmt]:
    """The imports that run when the module is loaded."""
    return [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]


def test_no_payer_stands_in_python() -> None:
    names = {plan.name for plan in shipped()}
    names |= {name for plan in shipped() for name in plan.payers if len(name) >= 4}
    longest_first = sorted(map(re.escape, names), key=len, reverse=True)
    word = re.compile(rf"(?<![\w-])({'|'.join(longest_first)})(?![\w-])", re.IGNORECASE)
    for name, path in MODULES.items():
        found = word.findall(path.read_text(encoding="utf-8"))
        assert found == [], f"{name} names {found}"


def test_every_promised_problem_is_known() -> None:
    assert set(PROMISED.split()) <= set(PROBLEMS)


def test_every_problem_says_what_is_wrong_and_what_mends_it() -> None:
    text = (PACKAGE / "problems.toml").read_text(encoding="utf-8")
    for name, table in tomllib.loads(text).items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)+", name)
        assert set(table) == {"severity", "says", "fix", "per"}, name
        order = [each for each in ("hold", "left-out", "note") if each in table["severity"]]
        assert table["severity"] == order != [], name
        assert table["says"].endswith("."), name
        assert table["fix"].endswith("."), name
        assert table["per"] in {
            *(
                "row",
                "case",
                "whole-case",
                "claim",
                "patient",
                "staff",
                "practice",
                "payer",
                "kind",
                "mode",
            ),
            *("code", "run", "file", "staff-day", "patient-day"),
        }, name


def problem_names(value: Any) -> Iterator[str]:
    """Every text under a key `problem` in a rule file."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "problem" and isinstance(inner, str):
                yield inner
            yield from problem_names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from problem_names(inner)


def test_every_problem_in_a_rule_file_is_known() -> None:
    for path in sorted((PACKAGE / "payers").rglob("*.toml")):
        named = set(problem_names(tomllib.loads(path.read_text(encoding="utf-8"))))
        assert named <= set(PROBLEMS), path


def test_every_problem_in_python_is_known() -> None:
    """A text that ends as the names of problems do, where code gives or compares a problem."""
    ending = re.compile(r"[a-z]+(-[a-z]+)*-(missing|known|read|range|ragged|damaged|row|differ)")
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                assert not ending.fullmatch(text) or text in PROBLEMS, f"{name}: {text}"


def calls(tree: ast.AST, names: tuple[str, ...]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in names
        ):
            yield node


def test_no_loop_goes_over_rows() -> None:
    """Such calls stand only where a table has one line for each plan, problem or price."""
    small = {"ccbill.report.console", "ccbill.fees"}
    for name, tree in TREES.items():
        loops = [node.lineno for node in calls(tree, ("iterrows", "itertuples"))]
        assert not loops or name in small, f"{name}: {loops}"
        applied = [node.lineno for node in calls(tree, ("apply", "applymap", "map_elements"))]
        assert not applied or name == "ccbill.report.totals", f"{name}: {applied}"
