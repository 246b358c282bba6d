"""Stopped at any system call that writes, ccbill loses, repeats and tears nothing.

`make sweep` tries every point; here a few of each command are. See killsweep.py.
"""

from __future__ import annotations

import os
import shutil
from functools import partial

import pytest
from killsweep import COMMANDS, FAULTS, KILLS, spread, sweep, whole

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed: no kill was tried"
)


# How many points of each command are tried here, kills and faults by turns.
SAMPLE = {
    "run": 3,
    "run --submit": 7,
    "submit": 4,
    "run, workbooks": 3,
    "run --submit, workbooks": 4,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_sample_of_points(command: str) -> None:
    most = SAMPLE[command]
    assert sweep(command, (*KILLS, *FAULTS), partial(spread, most=most)) == (most, {})


@pytest.mark.sweep
@pytest.mark.skipif(not os.environ.get("CCBILL_SWEEP"), reason="make sweep runs it")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("hows", [KILLS, FAULTS], ids=["kill", "fault"])
def test_every_point(command: str, hows: tuple[str, ...]) -> None:
    tried, wrong = sweep(command, hows, whole(command))
    print(f"{command}: {tried} points of {', '.join(hows)}")
    assert wrong == {}
