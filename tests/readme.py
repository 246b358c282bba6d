"""The README and the pages of reference as data: blocks, commands, code words, tables, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "ccbill" / "docs"
README = ROOT / "README.md"
PAGES = (README, ROOT / "sample_data" / "README.md", *sorted(DOCS.glob("*.md")))


@dataclass(frozen=True)
class Block:
    """Lines between fences, with their language and the section that they stand in."""

    section: str
    language: str
    lines: tuple[str, ...]

    def said(self) -> Iterator[tuple[str, list[str]]]:
        """Of a console: each command, and the lines that it is shown to say."""
        for part in "\n".join(self.lines).split("$ ")[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            yield command, shown

    def commands(self) -> list[str]:
        """Of a shell's block: its commands, each on one line, without comments."""
        whole = "\n".join(self.lines).replace("\\\n", " ")
        return [line for line in map(uncommented, whole.split("\n")) if line]


def uncommented(line: str) -> str:
    return shlex.join(shlex.split(line, comments=True))


def blocks(page: Path = README) -> Iterator[Block]:
    section, found = "", None
    for line in page.read_text(encoding="utf-8").splitlines():
        if found is None and line.startswith("#"):
            section = line.lstrip("# ")
        elif line.lstrip().startswith("```"):
            if found is not None:
                yield Block(section, *found[:1], tuple(found[1:]))
            found = [line.strip().removeprefix("```")] if found is None else None
        elif found is not None:
            found.append(line)


def prose(page: Path) -> str:
    """The page without its blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def spans(page: Path) -> list[str]:
    """What stands between backticks in the prose, each on one line."""
    return [" ".join(each.split()) for each in re.findall(r"`([^`]+)`", prose(page))]


def tables(page: Path) -> dict[str, list[list[str]]]:
    """The rows of the tables of each section, without headings; cells as they are written."""
    found: dict[str, list[list[str]]] = {}
    section, inside = "", False
    for line in prose(page).splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ")
        if not line.startswith("|"):
            inside = False
        elif re.fullmatch(r"[| -]+", line):
            inside = True
        elif inside:
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            found.setdefault(section, []).append([cell.strip() for cell in cells])
    return found


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", prose(page))


def anchors(page: Path) -> set[str]:
    """The names that headings have in a link."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", each.lower()).replace(" ", "-") for each in headings}
