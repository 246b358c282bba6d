"""A report page as its reader has it: sections with their sentences and tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}


@dataclass
class Table:
    caption: str = ""
    heads: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)  # those of the foot last

    def records(self) -> dict[str, dict[str, str]]:
        """The rows by the cell that names each."""
        return {row[0]: dict(zip(self.heads, row, strict=True)) for row in self.rows}


class Page(HTMLParser):
    """`sections` by id: all the text of each, and its tables; `tags` are all that opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections: dict[str, list[Table]] = {}
        self.text: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self._section = ""
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        assert len(about) == len(attrs), f"an attribute twice in {tag}"
        self.tags.append((tag, about))
        if tag not in VOID:
            self._open.append((tag, about))
        if tag == "section":
            self._section = about["id"] or ""
            self.sections[self._section] = []
        elif tag == "table":
            self.sections[self._section].append(Table())
        elif tag == "tr":
            self.sections[self._section][-1].rows.append([])
        elif tag in ("th", "td"):
            self._row().append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._open.pop()
        assert opened == tag, f"{opened} is closed by {tag}"
        if tag == "thead":
            table = self.sections[self._section][-1]
            table.heads = table.rows.pop()
        if tag == "section":
            self._section = ""

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._open]
        self.text[self._section] = self.text.get(self._section, "") + data
        if "caption" in tags:
            self.sections[self._section][-1].caption += data
        elif "th" in tags or "td" in tags:
            self._row()[-1] += data

    def _row(self) -> list[str]:
        return self.sections[self._section][-1].rows[-1]
