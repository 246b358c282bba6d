"""What `ccbill check` found, as text on standard output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ccbill.errors import counted
from ccbill.report import text
from ccbill.report.console import printable, sentence

if TYPE_CHECKING:
    from rich.console import Console

Told = dict[str, Any]

HOW = {"exact": "name", "spelling": "spelling", "config": "ccbill.toml", "profile": "layout"}


def check(told: Told) -> None:
    """Prints files, columns, rows, problems, new words, payers and notes of `ccbill.check`."""
    console = text.console()
    for file in told["files"]:
        _file(console, file, told["columns"])
    text.line(console, _balance(told["rows"]), "bold")
    for problem in told["problems"]:
        _problem(console, problem)
    _words(console, told["words"])
    text.section(console, "Payers", map(_payer, told["payers"]))
    text.section(console, "Notes", map(_note, told["notes"]))
    text.section(console, "Not checked", told["not_checked"])
    text.out(console)


def structure(told: Told) -> None:
    """Prints the sheets, headings and rows of `ccbill.structure`."""
    console = text.console()
    for file in told["files"]:
        text.line(console, f"{file['name']}: {_format(file)}", "bold")
        for sheet in file["sheets"]:
            for line in _sheet(sheet):
                sentence(console, line)
    text.out(console)


def _lines(console: Console, lines: Iterable[str]) -> None:
    """Lines that are printed as they are, since they are copied."""
    for line in lines:
        console.print(printable(line), soft_wrap=True)


def _file(console: Console, file: Told, columns: Sequence[Told]) -> None:
    heading = f"heading in row {file['heading_row']}, {counted(file['rows'], 'row')} below it"
    text.line(console, f"{file['name']}: {_format(file)}; {heading}", "bold")
    rows = [
        ["", each["column"], f"{each['letter']} ({each['heading']})", HOW[each["how"]]]
        for each in columns
        if each["file"] == file["name"]
    ]
    console.print(text.columns(("", "column", "heading", "found by"), rows, whole=("column",)))
    if file["not_read"]:
        text.line(console, f"  not read: {', '.join(file['not_read'])}")
    text.line(console, "")


def _format(file: Told) -> str:
    named = [file["format"], file.get("encoding"), file.get("delimiter")]
    if file.get("gzip"):
        named.append("gzipped")
    if file.get("sheet"):
        named.append(f"sheet {file['sheet']!r}")
    return ", ".join(each for each in named if each)


def _balance(rows: dict[str, int]) -> str:
    return (
        f"{rows['read']:,} rows read = {rows['for_the_rules']:,} for the plans' rules"
        f" + {rows['left_out']:,} left out + {rows['held']:,} held"
    )


def _problem(console: Console, each: Told) -> None:
    first, *others = each["places"]
    said = each["what"].rstrip(".")
    what = f"{first}: {said[:1].lower()}{said[1:]}"
    became = f"{counted(each['rows'], 'row')} {each['outcome']}, {each['problem']}"
    if others:
        became += f"; also {', '.join(':'.join(place.split(':')[:2]) for place in others)}"
    more = each["rows"] - len(each["places"])
    if more > 0:
        became += f" and {more:,} more"
    text.line(console, "")
    for line in (what, f"  {became}", f"  fix: {each['fix']}"):
        sentence(console, line)


def _words(console: Console, words: Sequence[Told]) -> None:
    """Each word that is not known as the line of ccbill.toml to complete."""
    if not words:
        return
    text.line(console, "")
    text.line(console, "Not known: copy into ccbill.toml and complete", "bold")
    for column in dict.fromkeys(each["column"] for each in words):
        _lines(console, ["", f"  [{column}s]"])
        _lines(console, _word_lines([each for each in words if each["column"] == column]))


def _word_lines(words: Sequence[Told]) -> Iterator[str]:
    shown = [each for each in words if each["line"]]
    width = max((len(each["line"]) for each in shown), default=0)
    for each in shown:
        yield (
            f"  {each['line']:<{width}}  # {counted(each['rows'], 'row')}, "
            f"{counted(each['minutes'], 'minute')}, first at {each['first']}"
        )
    if len(shown) < len(words):
        rows = sum(each["rows"] for each in words)
        yield (
            f"  # {counted(len(words), 'word')} in {counted(rows, 'row')}, first at "
            f"{words[0]['first']}: not shown, since few cells of the column are known words; "
            "ccbill init --force lists them in ccbill.toml"
        )


def _payer(each: Told) -> str:
    return f"{each['plan']}: {counted(each['rows'], 'row')} ({', '.join(each['payers'])})"


def _note(each: Told) -> str:
    fix = f"; {each['fix']}" if each["fix"] else ""
    return f"{each['where']}: {each['what']}{fix}" if each["where"] else f"{each['what']}{fix}"


def _sheet(sheet: Told) -> Iterator[str]:
    name = f"sheet {sheet['sheet']!r}, " if sheet["sheet"] is not None else ""
    if not sheet["visible"]:
        yield f"  {name}hidden: not read unless --sheet names it"
        return
    if sheet["heading_row"] is None:
        yield f"  {name}empty"
        return
    ragged = f", {sheet['ragged']:,} ragged" if sheet["ragged"] else ""
    yield (
        f"  {name}heading in row {sheet['heading_row']}, "
        f"{counted(sheet['rows'], 'row')} below it{ragged}, {counted(sheet['columns'], 'column')}"
    )
    if sheet["headings"] is None:
        yield "    the headings are not shown, since they look like a row of data"
    else:
        yield f"    {', '.join(_heading(each) for each in sheet['headings'])}"


def _heading(each: Told) -> str:
    words = " ".join(each["heading"].split())
    short = words if len(words) <= 40 else f"{words[:39]}…"
    return f"{each['letter']} ({short})" if short else each["letter"]
