"""What a shell offers after Tab, asked as bash asks it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command import ccbill
from ledgers import Practice, row

from ccbill import vocabulary
from ccbill.rules.load import shipped

PLANS = sorted(plan.name for plan in shipped())


def offered(line: str, cwd: Path, **environment: str) -> list[str]:
    """The words after the last one of the line, which may be one that is begun."""
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = ccbill(cwd=cwd, _CCBILL_COMPLETE="complete_bash", **asked, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_plans(tmp_path: Path) -> None:
    assert offered("ccbill explain --plan ", tmp_path) == PLANS
    assert offered("ccbill rules show ", tmp_path) == PLANS
    assert offered("ccbill explain --plan bcb", tmp_path) == ["bcbsm-pdcm"]


def test_commands_and_options(tmp_path: Path) -> None:
    assert offered("ccbill l", tmp_path) == ["ledger"]
    assert offered("ccbill ledger su", tmp_path) == ["submit"]
    assert offered("ccbill run log.csv --fail", tmp_path) == ["--fail-on"]
    assert offered("ccbill run log.csv --fail-on ", tmp_path) == ["never", "note", "hold"]
    assert offered("ccbill run log.csv --format ", tmp_path) == ["xlsx", "csv", "parquet", "html"]


def test_words_of_the_rules(tmp_path: Path) -> None:
    kinds = sorted(kind for kind in vocabulary.kinds() if kind.startswith("care-"))
    assert offered("ccbill explain --kind care-", tmp_path) == kinds
    assert offered("ccbill explain --mode ph", tmp_path) == ["phone"]
    assert offered("ccbill explain --credential RP", tmp_path) == ["RPh"]
    codes = {bill.code for plan in shipped() for each in plan.services for bill in each.bills}
    found = offered("ccbill explain --code ", tmp_path)
    assert codes <= set(found)
    assert offered("ccbill explain --code 9948", tmp_path) == ["99487", "99489"]


def test_runs_and_months_of_the_ledger(tmp_path: Path) -> None:
    practice = Practice(tmp_path)
    practice.bill([row("A1", "100001", "2026-08-03"), row("A2", "100002", "2026-09-03")])
    own = {"CCBILL_LEDGER": str(practice.ledger)}
    assert offered("ccbill ledger submit ", tmp_path, **own) == ["1"]
    assert offered("ccbill explain 100001 --month ", tmp_path, **own) == ["2026-08", "2026-09"]
    assert offered(f"ccbill ledger submit --ledger {practice.ledger} ", tmp_path) == ["1"]
    assert offered("ccbill ledger history ", tmp_path, **own) == []  # patients are nobody's words


@pytest.mark.parametrize("content", [None, b"no ledger"])
def test_a_ledger_that_cannot_be_read_offers_nothing(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ledger.sqlite"
    if content:
        path.write_bytes(content)
    assert offered("ccbill ledger submit ", tmp_path, CCBILL_LEDGER=str(path)) == []
    assert path.exists() is bool(content)


def test_settings_that_are_refused_offer_nothing(tmp_path: Path) -> None:
    (tmp_path / "ccbill.toml").write_text("[practise]\n")
    assert offered("ccbill ledger submit ", tmp_path) == []


def test_nothing_heavy_is_loaded_for_it(tmp_path: Path) -> None:
    program = (
        "import sys; from ccbill import complete;"
        "complete.plans(''); complete.codes(''); complete.kinds('');"
        "complete.runs(type('C', (), {'params': {}}), '');"
        "print([m for m in ('pandas', 'numpy', 'pyarrow', 'xlsxwriter') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell(tmp_path: Path, shell: str) -> None:
    done = ccbill(cwd=tmp_path, _CCBILL_COMPLETE=f"source_{shell}")
    assert done.returncode == 0, done.stderr
    assert f"_CCBILL_COMPLETE=complete_{shell}" in done.stdout
