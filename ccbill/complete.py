"""What a shell offers after Tab: plans, codes, kinds, runs and months, from what is read at once.

A shell asks at every key, so that nothing here imports a library of tables, and what cannot be
read offers nothing.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

_CODE = re.compile(r'\bcode\s*=\s*"([0-9A-Z]+)"')


def plans(incomplete: str) -> list[str]:
    """The shipped plans."""
    return _begins(incomplete, (folder.name for folder in _payers()))


def codes(incomplete: str) -> list[str]:
    """The codes of the shipped plans."""
    files = (file for folder in _payers() for file in folder.glob("*.toml"))
    found = (code for file in files for code in _CODE.findall(file.read_text(encoding="utf-8")))
    return _begins(incomplete, found)


def kinds(incomplete: str) -> list[str]:
    from ccbill import vocabulary  # noqa: PLC0415  (only after Tab)

    return _begins(incomplete, vocabulary.kinds())


def modes(incomplete: str) -> list[str]:
    from ccbill import vocabulary  # noqa: PLC0415

    return _begins(incomplete, vocabulary.modes())


def credentials(incomplete: str) -> list[str]:
    from ccbill import vocabulary  # noqa: PLC0415

    return _begins(incomplete, vocabulary.credentials())


def months(ctx: Any, incomplete: str) -> list[str]:
    """The months of the ledger's runs."""
    rows = _asked(ctx, "SELECT DISTINCT months FROM runs")
    return _begins(incomplete, (month for (text,) in rows for month in re.split(r"[, ]+", text)))


def runs(ctx: Any, incomplete: str) -> list[str]:
    """The numbers of the ledger's runs."""
    return _begins(incomplete, (str(run) for (run,) in _asked(ctx, "SELECT run FROM runs")))


def _payers() -> list[Path]:
    return [path for path in Path(__file__).with_name("payers").iterdir() if path.is_dir()]


def _begins(incomplete: str, words: Iterable[str]) -> list[str]:
    return sorted({word for word in words if word and word.startswith(incomplete)})


def _asked(ctx: Any, query: str) -> list[tuple[Any, ...]]:
    """The answer of the ledger that the command would use; none where there is none."""
    from ccbill.errors import CcbillError  # noqa: PLC0415
    from ccbill.ledger_command import ledger_path  # noqa: PLC0415

    ledger, config = (ctx.params.get(name) for name in ("ledger", "config"))
    ledger = ledger or ctx.params.get("at")  # as `ccbill ledger` calls it
    try:
        path = ledger_path(Path(ledger) if ledger else None, Path(config) if config else None)
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            return db.execute(query).fetchall()
    except (CcbillError, OSError, sqlite3.Error):
        return []
