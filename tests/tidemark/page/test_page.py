"""The report's page as a browser draws it: light, dark, wide and narrow, full and empty."""

from __future__ import annotations

import html
import json
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tidemark.page.charts import Facts, Run, verdict
from tidemark.page.page import render
from tidemark.page.svg import columns, nice, short
from tidemark.services.lake.activity import TableActivity
from tidemark.services.watermark.view import Watermark

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
DAYS = tuple(f"2026-11-{day:02}" for day in range(1, 25))
TABLES = ("settlement.settlement_normal_delivery_detail", "settlement.x<&>", "settlement.returns")
WHY = "COPY was rejected: s3://lake/staging/" + "settlement_claim_detail/" * 6 + "part_0003.csv.gz"


def full() -> Facts:
    return Facts(
        now=NOW,
        days=DAYS,
        rows=tuple(1_355_079 * (n % 5) for n in range(24)),
        megabytes=tuple(12.5 * n for n in range(24)),
        tables=tuple(
            TableActivity(t, 3, 4, 10**7, 10**9 // (n + 1), NOW, NOW, "2026-11-24T05:00:00.000000")
            for n, t in enumerate(TABLES)
        ),
        watermarks=tuple(
            Watermark(
                t, "update_at", "2026-11-24T05:00:00.000000", NOW, "bookmark",
                10**7, 60, 10**7, 58, 2, NOW, "backed up; 2 files to be loaded",
            )
            for t in TABLES
        ),
        lag=tuple((t, 9.0 * n) for n, t in enumerate(TABLES)),
        runs=tuple(Run(f"{day}T02:00:00Z", 300, day[-1] != "3", (WHY,)) for day in DAYS),
    )  # fmt: skip


EMPTY = Facts(NOW, DAYS, (0,) * 24, (0,) * 24, (), (), (), ())
#: Draws the pages in frames of some widths, and writes down what came of it.
HARNESS = """<!doctype html><body><script>
const pages = PAGES, found = [];
for (const [name, width, text] of pages) {
  const frame = document.createElement('iframe');
  frame.width = width; frame.height = 900; frame.srcdoc = text;
  frame.onload = () => {
    const page = frame.contentDocument, root = page.scrollingElement;
    const style = name => getComputedStyle(page.querySelector(name));
    const outside = [...page.querySelectorAll('svg text')].filter(text => {
      const own = text.getBoundingClientRect(), all = text.closest('svg').getBoundingClientRect();
      return own.left < all.left - 1 || own.right > all.right + 1 || own.height < 8;
    }).map(text => text.textContent);
    found.push({name, width, content: root.scrollWidth, outside,
      paper: style('body').backgroundColor, ink: style('body').color, card:
      style('section').backgroundColor,
      wide: [...page.querySelectorAll('section')].filter(
        section => section.scrollWidth > section.clientWidth).length});
    if (found.length == pages.length) document.body.innerHTML =
      '<pre>' + JSON.stringify(found).replaceAll('<', '&lt;') + '</pre>';
  };
  document.body.append(frame);
}
</script></body>"""


@cache
def drawn(chromium: str, scheme: int) -> list[dict[str, Any]]:
    """What a browser makes of the pages; scheme 0 is dark, 1 light."""
    import tempfile

    pages = [
        [name, width, render(facts)]
        for name, facts in (("full", full()), ("empty", EMPTY))
        for width in (420, 1400)
    ]
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "harness.html")
        page.write_text(HARNESS.replace("PAGES", json.dumps(pages).replace("</", "<\\/")))
        done = subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
             "--virtual-time-budget=5000", f"--user-data-dir={folder}/profile",
             f"--blink-settings=preferredColorScheme={scheme}", page.as_uri()],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    told = re.search(r"<pre>(.*)</pre>", done.stdout, re.DOTALL)
    assert told, done.stdout[-500:]
    found: list[dict[str, Any]] = json.loads(html.unescape(told[1]))
    assert len(found) == len(pages)
    return found


def brightness(colour: str) -> float:
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


@pytest.mark.parametrize("scheme", [0, 1])
def test_the_page_follows_the_readers_choice_of_light_or_dark(chromium: str, scheme: int) -> None:
    for page in drawn(chromium, scheme):
        ink, paper, card = (brightness(page[name]) for name in ("ink", "paper", "card"))
        assert (ink > paper) is (scheme == 0)
        assert abs(ink - paper) > 150
        assert abs(ink - card) > 150


def test_nothing_sticks_out_of_a_telephone_or_a_screen(chromium: str) -> None:
    for page in drawn(chromium, 1):
        assert page["content"] <= page["width"], page
        assert page["wide"] == 0, page
        assert page["outside"] == [], page


def test_an_empty_lake_says_so_in_every_chart() -> None:
    text = render(EMPTY)
    assert "<svg" not in text
    for words in ("Nothing was extracted", "No run", "The lake is empty", "No table has", "None."):
        assert words in text


def test_the_first_words_are_the_verdict() -> None:
    good = replace(full(), lag=(("s.t", 0.4), ("s.u", 3.2)), runs=full().runs[:1])
    assert verdict(good).words.startswith("All good: every table was extracted within the last 3 h")
    late = verdict(replace(good, lag=(("s.t", 0.4), ("s.u", 27.0))))
    assert (late.level, late.details) == ("late", ("s.u: 27 hours since its last extraction",))
    failed = replace(good.runs[0], success=False, errors=("no room",))
    told = verdict(replace(good, runs=(*good.runs, failed)))
    assert (told.level, told.details) == ("failed", ("no room",))
    assert verdict(EMPTY).level == "late"
    page = render(replace(good, place="prod, s3://lake"))
    assert page.index("All good") < page.index("<section")
    assert "<h1>Tidemark report: prod, s3://lake</h1>" in page


def test_names_and_errors_are_text() -> None:
    text = render(full())
    assert "settlement.x<&>" not in text
    assert "settlement.x&lt;&amp;&gt;" in text


def test_axes_end_at_numbers_that_are_easy_to_read() -> None:
    assert [nice([value]) for value in (0, 1, 3, 876, 1_355_079, 0.07)] == [
        1, 1, 4, 1000, 2_000_000, pytest.approx(0.1),
    ]  # fmt: skip
    assert [short(value) for value in (0, 0.5, 500, 1500, 2e6)] == ["0", "0.5", "500", "1.5k", "2M"]
    for count in (1, 2, 3):
        labels = [f"l{n}" for n in range(count)]
        drawn_labels = re.findall(r">(l\d)<", columns(labels, [1] * count, title="t"))
        assert drawn_labels == labels


def test_the_bar_of_a_single_run_is_no_wall_and_stands_in_the_middle() -> None:
    (x, width) = re.findall(
        r'x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', columns(["a"], [1], title="t")
    )[0]
    assert float(width) <= 40
    assert 52 < float(x) < 480 - 40


def test_one_of_something_is_told_in_the_singular() -> None:
    text = render(
        Facts(NOW, DAYS, (0,) * 24, (0,) * 24, (), (), (), (Run(NOW.isoformat(), 1, True, ()),))
    )
    assert "1 run and 0 failures" in text
    assert "Rows per day" in text


def test_a_page_of_many_failures_shows_the_newest() -> None:
    start = NOW - timedelta(days=20)
    runs = tuple(
        Run((start + timedelta(days=n)).isoformat(), 1, False, (f"why-{n}!",)) for n in range(15)
    )
    text = render(Facts(NOW, DAYS, (0,) * 24, (0,) * 24, (), (), (), runs))
    assert "why-14!" in text
    assert "why-4!" not in text
    assert "5 more" in text
