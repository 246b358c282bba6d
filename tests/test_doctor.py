"""`ccbill doctor`: what it looks at, what it calls wrong, and that it changes nothing."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from command import ccbill
from ledgers import Practice, row

from ccbill import doctor
from ccbill.where_from import settings

TODAY = "2026-11-02"


def looked(here: Path, *arguments: str, exits: int = 0, **environment: str) -> dict[str, Any]:
    done = ccbill("doctor", "--json", "--today", TODAY, *arguments, cwd=here, **environment)
    assert done.returncode == exits, done.stderr
    return dict(json.loads(done.stdout))


def states(found: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["state"] for check in found["checks"]}


def check(found: dict[str, Any], name: str) -> dict[str, str]:
    [one] = [each for each in found["checks"] if each["name"] == name]
    return dict(one)


def sources(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["name"]: (each["value"], each["source"]) for each in found["settings"]}


def test_a_new_users_machine_is_in_order(tmp_path: Path) -> None:
    found = looked(tmp_path)
    assert set(states(found).values()) == {"ok", "look"}
    assert {name for name, state in states(found).items() if state == "look"} == {"rules assumed"}
    assert check(found, "ledger")["what"].endswith("ledger.sqlite: the first run makes it")
    assert list(tmp_path.iterdir()) == []


def test_it_says_where_each_setting_comes_from(tmp_path: Path) -> None:
    (tmp_path / "ccbill.toml").write_text(
        '[practice]\ntin = "12-3456789"\ntimezone = "America/Detroit"\n'
        '[kinds]\n"Secret word" = "reminder"\n[checks]\nlong-day = "hold"\n'
        '[ledger]\npath = "kept.sqlite"\n'
    )
    found = looked(tmp_path)
    told = sources(found)
    assert told["configuration"] == (str(tmp_path / "ccbill.toml"), "nearest")
    assert told["ledger"] == (str(tmp_path / "kept.sqlite"), "ccbill.toml")
    assert told["[checks] long-day"] == ("hold", "ccbill.toml")
    assert told["[checks] long-entry"] == ("note", "default")
    assert told["[practice] timezone"] == ("America/Detroit", "ccbill.toml")
    assert told["[kinds]"] == ("1 word", "ccbill.toml")
    assert told["[practice] tin"] == ("set", "ccbill.toml")
    assert "12-3456789" not in json.dumps(found)
    assert "Secret word" not in json.dumps(found)


def test_the_environment_and_options_win_and_are_named(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("[claims]\ncomplete = true\n")
    own = {"CCBILL_CONFIG": "other.toml", "CCBILL_LEDGER": str(tmp_path / "one.sqlite")}
    told = sources(looked(tmp_path, **own))
    assert told["configuration"] == (str(tmp_path / "other.toml"), "CCBILL_CONFIG")
    assert told["ledger"] == (str(tmp_path / "one.sqlite"), "CCBILL_LEDGER")
    assert told["[claims] complete"] == ("true", "other.toml")
    options = ("--ledger", "two.sqlite", "--config", "other.toml")
    told = sources(looked(tmp_path, *options, **own))
    assert told["ledger"] == (str(tmp_path / "two.sqlite"), "--ledger")
    assert told["configuration"][1] == "--config"


def test_every_default_that_it_names_is_the_one_that_is_used(tmp_path: Path) -> None:
    """A file that sets each to what is told changes nothing."""
    from ccbill import config  # noqa: PLC0415

    told = [each for each in settings(None, None, None, tmp_path) if each.source == "default"]
    lines = []
    for each in told[1:]:
        section, key = each.name.split("] ")
        value = each.value if each.value.isdecimal() or each.value in ("true", "false") else ""
        text = value or ("[]" if each.value == "none" else f'"{each.value}"')
        lines.append(f"{section}]\n{key} = {text}\n")
    by_section: dict[str, list[str]] = {}
    for line in lines:
        section, key = line.split("\n", 1)
        by_section.setdefault(section, []).append(key)
    file = tmp_path / "ccbill.toml"
    file.write_text("".join(f"{name}\n{''.join(keys)}" for name, keys in by_section.items()))
    usual, set_ = config.Settings(), config.load(file)
    for name in ("limits", "claims_complete", "overlays", "fill_down", "ignore_columns"):
        assert getattr(usual, name) == getattr(set_, name)
    assert set(set_.checks.values()) == {"note"}
    assert set_.lock_timeout == doctor.store.PATIENCE


def test_a_setting_that_is_not_known_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "ccbill.toml").write_text('[practice]\nnmae = "Invented"\n')
    found = looked(tmp_path, exits=1)
    assert check(found, "configuration") == {
        "name": "configuration",
        "state": "wrong",
        "what": "ccbill.toml:2:[practice] nmae: is no setting that ccbill knows",
        "fix": "did you mean 'name'?",
    }


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    """A practice whose ledger holds a submitted run and a draft."""
    kept = Practice(tmp_path)
    kept.bill([row("A1", "100001", "2026-08-03")])
    kept.submit(1)
    kept.bill([row("A2", "100002", "2026-09-03")])
    return kept


def test_what_a_ledger_holds(practice: Practice) -> None:
    found = looked(practice.home, "--ledger", str(practice.ledger))
    what = check(found, "ledger content")["what"]
    assert what.endswith("runs: 2, drafts: 1")
    assert check(found, "receipts")["what"] == "every one fits"
    assert "100001" not in json.dumps(found)


def test_a_ledger_that_something_else_has_changed_is_wrong(practice: Practice) -> None:
    with sqlite3.connect(practice.ledger) as db:
        db.execute("UPDATE runs SET amount = amount + 1 WHERE run = 1")
    db.close()
    found = looked(practice.home, "--ledger", str(practice.ledger), exits=1)
    assert check(found, "receipts")["state"] == "wrong"


def test_a_damaged_a_newer_and_an_older_ledger(practice: Practice) -> None:
    at = ("--ledger", str(practice.ledger))
    whole = practice.ledger.read_bytes()
    for version, state, words in (
        (99, "wrong", "was written by a newer ccbill"),
        (1, "look", "version 1: the next run brings it up to date"),
    ):
        with sqlite3.connect(practice.ledger) as db:
            db.execute(f"PRAGMA user_version = {version}")
        db.close()
        before = practice.ledger.read_bytes()
        found = looked(practice.home, *at, exits=int(state == "wrong"))
        told = check(found, "ledger content")
        assert told["state"] == state
        assert told["what"].startswith(words)
        assert practice.ledger.read_bytes() == before
    practice.ledger.write_bytes(whole[:4096] + b"\0" * 8192 + whole[12288:])
    found = looked(practice.home, *at, exits=1)
    assert "is damaged" in check(found, "ledger content")["what"]


@pytest.mark.skipif(os.name != "posix", reason="this system knows no such modes")
def test_what_others_can_read_is_to_be_looked_at(practice: Practice) -> None:
    practice.ledger.chmod(0o644)
    practice.out.chmod(0o755)
    found = looked(practice.home, "--ledger", str(practice.ledger))
    for name, mode in (("ledger", "600"), ("output folder", "700")):
        assert check(found, name)["state"] == "look"
        assert check(found, name)["fix"].startswith(f"chmod {mode} ")
    assert check(found, "ledger folder")["state"] == "ok"
    practice.home.chmod(0o777)
    found = looked(practice.home, "--ledger", str(practice.ledger))
    assert check(found, "ledger folder")["fix"] == f"chmod 755 {practice.home}"


def test_rules_that_are_old_or_end_soon_are_to_be_looked_at(tmp_path: Path) -> None:
    old = looked(tmp_path, "--today", "2029-01-01")
    assert check(old, "rules")["state"] == "look"
    new = looked(tmp_path)
    assert check(new, "rules")["state"] == "ok"
    by_plan = {each["plan"]: each for each in new["plans"]}
    for each in by_plan.values():
        assert each["rules"] == each["published"] + each["read"] + each["assumed"]
    assumed = sum(each["assumed"] for each in by_plan.values())
    assert check(new, "rules assumed")["what"] == f"{assumed} that no text states"


def test_a_rule_that_ends_within_two_months_is_named() -> None:
    [plan] = [each for each in doctor.load.shipped() if each.name == "mi-sim"]
    last = min(each.last_day for each in plan.services)
    ending = doctor._plan(plan, last - 10).ending
    assert ending
    assert all(text.startswith("mi-sim ") for text in ending)
    assert doctor._plan(plan, last - 100).ending == ()


def test_too_little_room_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, state in ((5 * 2**30, "ok"), (2**29, "look"), (2**20, "wrong")):
        usage = shutil._ntuple_diskusage(2**40, 2**40 - free, free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, usage=usage: usage)
        assert doctor._disk(tmp_path / "not" / "there").state == state


def test_a_folder_in_place_of_which_a_file_stands_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "ccbill-out").write_text("mine")
    found = looked(tmp_path, exits=1)
    assert check(found, "output folder")["state"] == "wrong"


def test_the_line_for_cron_needs_no_folder_and_no_environment(practice: Practice) -> None:
    """As cron runs it: another folder, no environment; on a log that is named by its path."""
    settings_file = practice.home / "ccbill.toml"
    settings_file.write_text("")
    line = looked(practice.home, "--ledger", str(practice.ledger))["cron"]
    words = shlex.split(line.split("  ", 1)[1])
    given = words[words.index("run") :]
    paths = [word for word in given if "/" in word]
    assert all(Path(path).is_absolute() for path in paths)
    (practice.home / "EXPORT.csv").write_text((practice.home / "log.csv").read_text())
    elsewhere = practice.home / "elsewhere"
    elsewhere.mkdir()
    done = ccbill(*given, cwd=elsewhere)
    assert done.returncode in (0, 1), done.stderr
    assert list(elsewhere.iterdir()) == []


def test_the_table_has_a_line_for_each_check(tmp_path: Path) -> None:
    done = ccbill("doctor", "--today", TODAY, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    first = [line.split()[0] for line in done.stdout.splitlines() if line[:6].strip()]
    assert first.count("ok") + first.count("look") == len(looked(tmp_path)["checks"])
