"""Changes one thing at a time in what decides a bill, and sees whether a quick suite notices.

usage: python tests/mutants.py [--number 300] [--seed 1] [--jobs 2] [--only PATH]

A mutant is one changed operator, constant, condition or statement of the rules' code, of the
ledger or of the claims, or one changed value of a payer's rule. Each is put into a copy of the
project; the suite runs there, and a mutant that it does not notice survives.
"""

from __future__ import annotations

import argparse
import ast
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).parent.parent
CODE = ("ccbill/rules/*.py", "ccbill/ledger/*.py", "ccbill/claims.py")
RULES = ("ccbill/payers/*/*.toml",)
PRINTED = {"say", "page", "catalog", "diff", "template", "roles", "edit", "lines", "tell"}
READING = "tests/test_reference.py::test_run_agrees_with_the_independent_reading"
BILLED = "tests/test_ledger_runs.py::test_"
SUITE = (
    *("tests/test_rules_load.py", "tests/test_units.py", "tests/test_cases.py"),
    *("tests/test_look_backs.py", "tests/test_near_misses.py"),
    *(f"{READING}[0-all-plans-as_it_is]", f"{READING}[10-one-state-as_it_is]"),
    "tests/test_ledger_golden.py",
    f"{BILLED}a_changed_authorization_replaces_the_claim_under_its_first_id",
    f"{BILLED}a_late_contact_in_a_file_of_its_own_is_held_and_not_lost",
    f"{BILLED}a_rejected_replacement_leaves_the_first_claim_standing",
    f"{BILLED}imported_history_is_not_billed_again",
    f"{BILLED}two_ids_of_one_patient_are_one",
)
TIME_LIMIT = 120  # seconds; a mutant that never ends is noticed
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
            return self.passes()
        finally:
            path.write_bytes(whole)

    def passes(self) -> bool:
        command = [str(self.python), "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(
                [*command, *SUITE],
                cwd=self.root,
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
    return Copy(root)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="mutants of paths that hold this text")
    asked = parser.parse_args()
    possible = [m for m in mutants() if asked.only in m.path]
    chosen = random.Random(asked.seed).sample(possible, min(asked.number, len(possible)))
    print(f"{len(possible)} mutants, of which {len(chosen)} are tried (seed {asked.seed})")
    with tempfile.TemporaryDirectory() as folder:
        copies: Queue[Copy] = Queue()
        for number in range(asked.jobs):
            copies.put(copied(Path(folder) / str(number)))
        first = copies.get()
        began = time.monotonic()
        if not first.passes():
            sys.exit("the suite fails on the project as it is")
        print(f"the suite takes {time.monotonic() - began:.0f} s", flush=True)
        copies.put(first)

        def tried(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                survives = copy.survives(mutant)
            finally:
                copies.put(copy)
            if survives:
                print(f"survives: {mutant}", flush=True)
            return survives

        with ThreadPoolExecutor(asked.jobs) as pool:
            survived = Counter(zip([*pool.map(tried, chosen)], chosen, strict=True))
    left = sum(survives for survives, _ in survived)
    print(f"{len(chosen) - left} of {len(chosen)} noticed: {(1 - left / len(chosen)):.1%}")


if __name__ == "__main__":
    main()
