"""What every command shows, whole screens beside tests/golden/screens: at 80 and at 120 columns, on
a terminal and in a pipe. An escape character stands there as ␛.

`CCBILL_REGENERATE=1 pytest tests/test_screens.py` writes them anew.
"""

from __future__ import annotations

import io
import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib import metadata
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from command import afresh, ccbill, upset
from test_cli import STAFF, WHOLE

from ccbill import __version__, cli, doctor
from ccbill.report import bar
from ccbill.where_from import Setting

SAMPLE = Path(__file__).parents[1] / "sample_data"
GOLDEN = Path(__file__).parent / "golden" / "screens"
REGENERATE = bool(os.environ.get("CCBILL_REGENERATE"))
# Where a screen is shown: its width, whether that is a terminal, and what else is set.
PIPE = "120 columns, in a pipe"
WAYS: dict[str, tuple[int, bool, dict[str, str]]] = {
    "80 columns": (80, True, {}),
    "120 columns": (120, True, {}),
    "80 columns, with NO_COLOR": (80, True, {"NO_COLOR": "1"}),
    PIPE: (120, False, {}),
}
COLOURED = ("80 columns", "120 columns")
BILLED = "160440"  # a patient with claims
ROWS = 60  # of the sample practice's log
TODAY = "2026-11-02"
INPUTS = ("log.csv", "--patients", "patients.csv", "--staff", "staff.csv", "--fees", "fees.csv")
OVERLAY = str(SAMPLE / "overlays" / "outreach-cap")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WHAT_IF = ("--plan", "bcbsm-pdcm", "--kind", "care-coordination", "--minutes", "74")

# A screen's name → the command, and the state of the practice that it is given in.
DRAFT, SENT = "draft", "sent"
COMMANDS: dict[str, tuple[str, ...]] = {
    "run": (DRAFT, "run", *INPUTS),
    "run-again": (SENT, "run", *INPUTS, "--format", "csv"),
    "check": (DRAFT, "check", *INPUTS[:5]),
    "check-structure": (DRAFT, "check", "--structure", "log.csv"),
    "explain": (DRAFT, "explain", "004217"),
    "explain-what-if": (DRAFT, "explain", *WHAT_IF, "--credential", "RN", "--date", "2026-10-05"),
    "init": (DRAFT, "init", "small_log.csv", "--out", "new.toml"),
    "template": (DRAFT, "template", "blank.xlsx"),
    "rules-list": (DRAFT, "rules", "list"),
    "rules-show": (DRAFT, "rules", "show", "mi-sim", "--on", "2018-06-01"),
    "rules-check": (DRAFT, "rules", "check"),
    "rules-diff": (DRAFT, "rules", "diff", "shipped", OVERLAY),
    "rules-diff-claims": (DRAFT, "rules", "diff", "--overlay", OVERLAY, "outreach.csv"),
    "rules-export": (DRAFT, "rules", "export", "mine", "mi-sim"),
    "ledger-runs": (SENT, "ledger", "runs"),
    "ledger-show": (SENT, "ledger", "show", "1"),
    "ledger-submit": (DRAFT, "ledger", "submit", "1"),
    "ledger-void": (SENT, "ledger", "void", "1"),
    "ledger-reject": (SENT, "ledger", "reject", "1"),
    "ledger-history": (SENT, "ledger", "history", BILLED),
    "ledger-verify": (SENT, "ledger", "verify"),
    "ledger-import": (DRAFT, "ledger", "import", "before.csv"),
    "ledger-export": (SENT, "ledger", "export", "sent.csv"),
    "ledger-merge": (SENT, "ledger", "merge", BILLED, "999999"),
    "bug-report": (DRAFT, "bug-report"),
    "refused-usage": (DRAFT, "run", "log.csv", "--formt", "csv"),
    "refused-columns": (DRAFT, "run", "small_log.csv"),
    "refused-patient": (DRAFT, "explain", "999999"),
}
ASK = (
    *((), ("run",), ("check",), ("explain",), ("demo",), ("init",), ("template",), ("doctor",)),
    *(("bug-report",), ("rules",), ("ledger",)),
    *(("rules", name) for name in ("list", "show", "check", "diff", "export")),
    *(("ledger", name) for name in ("runs", "show", "submit", "void", "reject", "history")),
    *(("ledger", name) for name in ("verify", "import", "export", "merge")),
)


class Stream(io.StringIO):
    """What is said there; a terminal, or none."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def shown(here: Path, *words: str, width: int, terminal: bool, **environment: str) -> str:
    """All that a command says, as it comes; in this process."""
    said = Stream(terminal=terminal)
    home = {name: str(here) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    usual = {"COLUMNS": str(width), "TERM": "xterm-256color", "CCBILL_TODAY": TODAY}
    ours = {"PATH": os.environ["PATH"], "LOGNAME": "biller", **home, **usual, **environment}
    with (
        mock.patch.dict(os.environ, ours, clear=True),
        mock.patch.object(sys, "argv", ["ccbill", *words]),
        chdir(here),
        redirect_stdout(said),
        redirect_stderr(said),
        mock.patch.object(bar, "AFTER", 3600),  # however slow the machine is
    ):
        cli._code()
    return steady(said.getvalue())


def steady(text: str) -> str:
    """The text without what differs from machine to machine."""
    for name in ("Jinja2", "pandas", "pyarrow", "pygal", "python-calamine", "rich", "typer"):
        text = text.replace(f"{name} {metadata.version(name)}\n", f"{name} VERSION\n")
    text = text.replace(f"XlsxWriter {metadata.version('XlsxWriter')}\n", "XlsxWriter VERSION\n")
    text = text.replace(f"python {platform.python_version()}\n", "python VERSION\n")
    text = re.sub(r"^system .*$", "system SYSTEM", text, flags=re.MULTILINE)
    text = text.replace(OVERLAY, "outreach-cap")
    return re.sub(rf"(ccbill|version *) {re.escape(__version__)}\b", r"\1 VERSION", text)


@pytest.fixture(scope="module")
def practices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sample practice's first rows, billed: once as a draft, once sent."""
    draft = tmp_path_factory.mktemp("screens") / "draft"
    draft.mkdir()
    rows = (SAMPLE / "activities.csv").read_text(encoding="utf-8-sig").splitlines()[: ROWS + 1]
    (draft / "log.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for name in ("patients.csv", "staff.csv", "fees.csv", "small_log.csv", "outreach.csv"):
        shutil.copyfile(SAMPLE / name, draft / name)
    settings = (SAMPLE / "ccbill.toml").read_text(encoding="utf-8")
    (draft / "ccbill.toml").write_text(settings + '[ledger]\npath = "ledger.sqlite"\n')
    done = ccbill(
        "run", *INPUTS, "--format", "csv", cwd=draft, CCBILL_TODAY=TODAY, LOGNAME="biller"
    )
    assert done.returncode == 0, done.stderr
    shutil.copyfile(draft / "ccbill-out" / "claims.csv", draft / "before.csv")
    sent = shutil.copytree(draft, draft.with_name("sent"))
    done = ccbill("ledger", "submit", "1", cwd=sent, CCBILL_TODAY=TODAY)
    assert done.returncode == 0, done.stderr
    return {DRAFT: draft, SENT: sent}


def screens(here: Path, tmp_path: Path, words: Sequence[str]) -> dict[str, str]:
    """What each of WAYS shows, each of a practice to which nothing has happened yet."""
    found = {}
    for number, (where, (width, terminal, environment)) in enumerate(WAYS.items()):
        at = shutil.copytree(here, tmp_path / f"way-{number}")
        found[where] = shown(at, *words, width=width, terminal=terminal, **environment)
    return found


def golden(name: str, found: Mapping[str, str]) -> None:
    """Compares the screens with the file of that name; equal ones stand there once."""
    lines, seen = [], dict[str, str]()
    for where, screen in found.items():
        lines.append(f"=== {where}")
        if screen in seen:
            lines.append(f"(as {seen[screen]})")
            continue
        lines += screen.replace("\x1b", "␛").splitlines()
        seen[screen] = where
        seen.setdefault(plain(screen), f"{where}, without colour")
    path, text = GOLDEN / f"{name}.txt", "\n".join(lines) + "\n"
    if REGENERATE:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def plain(screen: str) -> str:
    """The screen without colours, and without the blanks that they end in."""
    return "".join(f"{line.rstrip()}\n" for line in ESCAPE.sub("", screen).splitlines())


def unframed(screen: str) -> str:
    """The screen without the right edges of its panels, which are most of its bytes."""
    return re.sub("( *│| ?─+[╮╯])$", "", plain(screen), flags=re.MULTILINE)


def checked(found: Mapping[str, str]) -> None:
    """No line goes over a terminal's edge, no escape is where none may be, and a narrow screen has
    every word of the wide one, whole."""
    narrow, wide = (set(re.sub("[─╭╮╰╯│]", " ", plain(found[w])).split()) for w in COLOURED)
    assert narrow == wide
    for where, screen in found.items():
        width, terminal, environment = WAYS[where]
        assert terminal or plain(screen) == screen
        assert "\x1b" not in screen or (terminal and not environment)
        for line in plain(screen).splitlines() if terminal else ():
            assert len(line) <= width or ": ccbill " in line, line  # a command is copied whole
            assert not re.search("[^A-Z]…", line), line


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command(practices: dict[str, Path], tmp_path: Path, name: str) -> None:
    state, *words = COMMANDS[name]
    found = screens(practices[state], tmp_path, words)
    checked(found)
    golden(name, found)


@pytest.mark.parametrize("words", ASK, ids=lambda words: "-".join(words) or "ccbill")
def test_help(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Examples, then options, then exit codes; the colours of the panels are Typer's own."""
    (tmp_path / "here").mkdir()
    found = screens(tmp_path / "here", tmp_path, [*words, "-h"])
    assert set(map(plain, found.values())) == {plain(found[where]) for where in COLOURED}
    for screen in map(plain, found.values()):
        assert screen.index("Examples\n") < screen.index("╭─ ") < screen.index("Exit codes\n")
    checked({where: plain(screen) for where, screen in found.items()})
    golden("-".join(("help", *words)), {w: unframed(found[w]) for w in found if w not in COLOURED})
    assert shown(tmp_path, *words, "--help", width=120, terminal=False) == found[PIPE]


def test_every_command_has_its_screen() -> None:
    """Its help, and what it does; the demo and the doctor have tests below."""
    group: Any = cli.typer.main.get_command(cli.app)
    every = set()
    for name, command in group.commands.items():
        every |= {(name, sub) for sub in getattr(command, "commands", {})} or {(name,)}
    assert every <= set(ASK)
    given = {
        words[1:3] if words[1] in ("rules", "ledger") else words[1:2] for words in COMMANDS.values()
    }
    assert every - given == {("demo",), ("doctor",)}


def test_the_demo(tmp_path: Path) -> None:
    found = {}
    for where in COLOURED:
        at = tmp_path / where.split()[0]
        at.mkdir()
        found[where] = shown(at, "demo", width=WAYS[where][0], terminal=True, CCBILL_TODAY="")
    checked(found)
    golden("demo", found)


LEDGER = "/home/biller/ledger.sqlite"
FOUND = doctor.Found(
    checks=(
        doctor.Check("ccbill", "ok", "VERSION"),
        doctor.Check(
            *("configuration", "wrong"),
            *("ccbill.toml:2:[practice] nmae: is no setting that ccbill knows",),
            *("did you mean 'name'?",),
        ),
        doctor.Check(
            *("ledger", "look", f"{LEDGER}: others may read it (mode 644)", f"chmod 600 {LEDGER}"),
        ),
        doctor.Check("disk", "ok", "81.2 GB free"),
    ),
    settings=(
        Setting("ledger", LEDGER, "default"),
        Setting("[checks] service-before-consent", "hold", "ccbill.toml"),
    ),
    plans=(doctor.PlanChecked("bcbsm-pdcm", 22, "2026-11-21", 13, 7, 2, ()),),
    cron="15 6 * * 1-5  /opt/ccbill run /srv/EXPORT.csv --quiet --fail-on hold",
)


def test_the_doctor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of a machine that is not this one."""
    monkeypatch.setattr(doctor, "examined", lambda _asked: FOUND)
    (tmp_path / "here").mkdir()
    found = screens(tmp_path / "here", tmp_path, ["doctor"])
    checked(found)
    golden("doctor", found)


def test_a_real_terminal_shows_what_the_golden_screen_does(
    practices: dict[str, Path], tmp_path: Path
) -> None:
    at = shutil.copytree(practices[DRAFT], tmp_path / "here")
    ours = {"COLUMNS": "80", "TERM": "xterm-256color", "CCBILL_TODAY": TODAY}
    done = upset(*COMMANDS["run"][1:], cwd=at, terminal=True, **ours)
    whole = (GOLDEN / "run.txt").read_text(encoding="utf-8").split("=== ")[1]
    said = done.stdout.rpartition("\x1b[2K")[2]  # after a bar, if the machine is slow
    assert said.replace("\r\n", "\n").replace("\x1b", "␛") == whole.split("\n", 1)[1]


# from a scheduler


def test_a_quiet_run_with_an_empty_environment_prints_nothing(tmp_path: Path) -> None:
    """As cron starts it; notes alone break no silence, and are in the exceptions all the same."""
    (tmp_path / "log.csv").write_text(f"{','.join(WHOLE)}\n{','.join(WHOLE.values())}\n")
    (tmp_path / "staff.csv").write_text(STAFF)
    (tmp_path / "ccbill.toml").write_text('[practice]\ntin = "00-0000001"\n')
    where = ("--ledger", str(tmp_path / "ledger.sqlite"), "--out", str(tmp_path / "out"))
    given = ("--staff", str(tmp_path / "staff.csv"), "--config", str(tmp_path / "ccbill.toml"))
    words = ("run", str(tmp_path / "log.csv"), *given, *where, "--quiet", "--format", "csv")
    done = afresh(*words, "--today", TODAY, cwd=Path("/"), settings={})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    exceptions = (tmp_path / "out" / "exceptions.csv").read_text()
    assert exceptions.count("\nnote,") > 0
    assert "\nhold," not in exceptions
