"""report.html as a browser shows it: at three widths, on paper, and to an accessibility audit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Page, opened
from test_report_html import bill, held, nearly, rows, total


@pytest.fixture(scope="module")
def complaints() -> list[str]:
    """What the console said and what the page asked for."""
    return []


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bill(tmp_path_factory.mktemp("browser") / "out", "--no-ledger", "--with-patients")


@pytest.fixture(scope="module")
def page(out: Path, complaints: list[str]) -> Iterator[Page]:
    with opened(out / "report.html", complaints) as found:
        yield found


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_the_page_fits_its_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    cut = page.evaluate(
        """[...document.querySelectorAll('.chart text')].filter(text => {
            const box = text.getBoundingClientRect()
            return box.left < 0 || box.right > innerWidth
        }).map(text => text.textContent)"""
    )
    assert cut == []


def test_the_figures_that_are_seen_are_those_of_the_tables(page: Page, out: Path) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    claims = rows(out, "claims")
    seen = page.locator("#headline").inner_text()
    for money in (
        total(claims, "charge"),
        total(claims, "expected_payment"),
        total(held(out), "amount"),
        total(nearly(out), "amount"),
    ):
        assert money in seen
    plans = page.locator("#plans tfoot tr").inner_text().split()
    assert {total(claims, "charge"), total(claims, "expected_payment")} <= {*plans}


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_an_audit_finds_nothing(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_an_audit_of_the_printed_page_finds_nothing(page: Page) -> None:
    page.emulate_media(media="print")
    found = Axe().run(page)
    page.emulate_media(media="screen")
    assert found.violations_count == 0, found.generate_report()
    checked = {each["id"] for each in found.response["passes"]}
    assert {"color-contrast", "heading-order", "scope-attr-valid"} <= checked


def test_letters_on_charts_stand_out_from_the_page_and_are_large_enough(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    looks = page.evaluate(
        """[...document.querySelectorAll('.chart text')].map(text => {
            const scale = text.ownerSVGElement.getBoundingClientRect().width / 360
            const style = getComputedStyle(text)
            return [style.fill, parseFloat(style.fontSize) * scale]
        })"""
    )
    assert len(looks) > 50
    for fill, size in looks:
        assert contrast(fill) >= 4.5
        assert size >= 10


def contrast(fill: str) -> float:
    """The ratio of `rgb(28, 33, 38)` to white, as WCAG 2 has it."""
    parts = [int(part) / 255 for part in fill.removeprefix("rgb(").removesuffix(")").split(",")]
    line = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 1.05 / (0.2126 * line[0] + 0.7152 * line[1] + 0.0722 * line[2] + 0.05)


def test_it_prints_on_letter_paper(page: Page, tmp_path: Path) -> None:
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    content = (tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.count(b"/MediaBox [0 0 612 792]") >= 3


def test_on_paper_no_row_and_no_chart_is_wider_than_the_sheet(page: Page) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": round(7.3 * 96), "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= round(7.3 * 96)
    page.emulate_media(media="screen")


def test_the_console_is_silent_and_nothing_was_asked_for(page: Page, complaints: list[str]) -> None:
    page.reload()
    assert [each for each in complaints if each != f"request: {page.url}"] == []
