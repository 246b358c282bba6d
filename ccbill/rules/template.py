"""Copies of the shipped rule files for a practice to begin an overlay with."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from ccbill.errors import CcbillError, Exit, Message

HEAD = """\
# A copy of the shipped file. Delete it unless you change it: while it stands here it replaces the
# shipped file whole. For a few values write [set], [add] and [remove] instead of a copy.
author = ""  # who decided the change
because = ""  # the letter, contract or decision
date = {today}
replaces = true

"""


def export(folder: Path, plans: Sequence[str], today: str) -> list[Path]:
    """Writes the shipped files of these plans into `folder/<plan>/`, none where one stands."""
    texts = {
        folder / plan / file.name: HEAD.format(today=today) + file.read_text(encoding="utf-8")
        for plan in plans
        for file in (files("ccbill") / "payers" / plan).iterdir()
        if file.name.endswith(".toml")
    }
    for path in texts:
        if path.exists():
            shown = path.relative_to(folder)
            raise _refused(
                Exit.REFUSED, str(shown), "stands already", "name another folder, or move it away"
            )
    try:
        for path, text in sorted(texts.items()):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
    except OSError as error:
        what = f"cannot be written: {error.strerror}"
        raise _refused(Exit.OUTPUT, folder.name, what, "name another folder") from None
    return sorted(texts)


def _refused(code: Exit, where: str, what: str, fix: str) -> CcbillError:
    return CcbillError(code, Message(where, what, "Nothing was overwritten.", fix))
