"""The pages of reference that are made from the program: its problems, and its commands.

`python tests/docs.py` writes them into ccbill/docs; tests/test_readme.py compares them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from ccbill.cli import app
from ccbill.problems import PROBLEMS

DOCS = Path(__file__).parents[1] / "ccbill" / "docs"
SEVERITIES = {"hold": "held", "left-out": "left out", "note": "noted"}


def problems() -> str:
    """Every problem: what it does, what is wrong, and what mends it."""
    rows = [
        (
            f"`{name}`",
            " or ".join(SEVERITIES[each] for each in found.severity),
            found.says,
            coded(found.fix),
        )
        for name, found in sorted(PROBLEMS.items())
    ]
    return page(
        "Problems",
        "Every problem that ccbill names. *Held*: the row is not billed until that is mended, and "
        "the exceptions say what it is worth. *Left out*: the payer says no; the trace "
        "(`activities.csv`) says it of each row. *Noted*: the exceptions say it, and nothing is "
        "held. Where several stand, the payer's rule or a setting decides.",
        table(("problem", "the row is", "what is wrong", "what mends it"), rows),
    )


def commands() -> str:
    """Every command with its arguments and options."""
    return page(
        "Commands",
        "What `-h` says of every command. Exit codes are in the README.",
        *(section(words, command) for words, command in tree()),
    )


def tree() -> Iterator[tuple[str, Any]]:
    """Every command that does something, by the words that it is called with."""

    def below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield words, command
            return
        for name, each in inner.items():
            yield from below(f"{words} {name}", each)

    yield from below("ccbill", typer.main.get_command(app))


def section(words: str, command: Any) -> str:
    context = command.context_class(command)
    pieces = [each for each in command.collect_usage_pieces(context) if each != "[OPTIONS]"]
    usage = " ".join([words, *pieces]).translate({ord(brace): None for brace in "{}"})
    records = [each.get_help_record(context) for each in command.params]
    rows = [(f"`{names}`", coded(about)) for names, about in filter(None, records)]
    says = [each for each in command.help.split("\n\n") if "[bold]" not in each]
    return "\n\n".join([f"## `{usage}`", *says, table(("takes", "which"), rows)])


def coded(text: str) -> str:
    """Text with its options and sections of settings as code, and no cell cut short."""
    text = re.sub(r" +\[(required|x[<>]=\d+)\]", "", text)
    text = re.sub(r"  \[(default|env var): ([^]]*)\]", r" (\1: `\2`)", text)
    text = re.sub(r"(?<![\w`-])(--[a-z][a-z-]*)", r"`\1`", text)
    return re.sub(r"(\[[a-z_]+\])", r"`\1`", text).replace("|", "\\|")


def table(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heading, ("---",) * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(title: str, *parts: str) -> str:
    made = "<!-- Made by `make docs`; change what it is made from. -->"
    return "\n\n".join([f"# {title}", made, *parts]) + "\n"


PAGES: dict[str, Callable[[], str]] = {"problems.md": problems, "commands.md": commands}


def main() -> None:
    DOCS.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
        print(DOCS / name)


if __name__ == "__main__":
    main()
