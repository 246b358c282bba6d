"""The wheel holds all that a run needs, and is the same whenever and wherever it is built."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ccbill.demo import FILES

ROOT = Path(__file__).parent.parent
SOURCE = ("pyproject.toml", "README.md", "ccbill")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two wheels, from two copies of the source made at different times."""
    pytest.importorskip("setuptools")
    return [built(tmp_path_factory.mktemp("built"), days) for days in (0, 400)]


def built(folder: Path, days: int) -> Path:
    source = folder / "source"
    source.mkdir()
    for name in SOURCE:
        if (ROOT / name).is_dir():
            leave = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=leave)
        else:
            shutil.copy(ROOT / name, source / name)
    for path in source.rglob("*"):
        os.utime(path, (1_700_000_000 + days * 86_400,) * 2)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*command, "--no-cache-dir", "--wheel-dir", str(folder), str(source)],
        check=True,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"},
        capture_output=True,
    )
    [wheel] = folder.glob("*.whl")
    return wheel


def test_the_wheel_is_the_same_twice(wheels: list[Path]) -> None:
    first, second = (hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels)
    assert first == second


def test_the_wheel_holds_every_file_of_the_package(wheels: list[Path]) -> None:
    wanted = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "ccbill").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheels[0]) as wheel:
        assert wanted <= set(wheel.namelist())


def test_the_wheel_holds_the_practice_of_the_demo_and_nothing_else_of_the_sample(
    wheels: list[Path],
) -> None:
    with zipfile.ZipFile(wheels[0]) as wheel:
        sample = {name for name in wheel.namelist() if name.startswith("ccbill/sample/")}
        for name in FILES:
            content = wheel.read(f"ccbill/sample/{name}")
            assert content == (ROOT / "sample_data" / name).read_bytes()
    assert not {name for name in sample if name.count("/") > 2}
