"""Bar charts: vertical bars as SVG, horizontal bars as HTML, in the colours of the page. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

# Few units, so that the text is still legible when the chart is as narrow as a telephone.
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 480, 200, 52, 10, 24


#: Greatest width of a bar: that of a single run would fill the chart.
_WIDEST = 40.0
#: Most characters of labels of which five fit side by side.
_SHORT = 6


def columns(
    labels: Sequence[str],
    values: Sequence[float],
    *,
    title: str,
    bad: Sequence[bool] = (),
) -> str:
    """Vertical bars, one per label, above an axis with three marks.

    Args:
        labels: Below the bars; the first and the last are written, and some between them.
        values: Not negative.
        title: Read out by screen readers.
        bad: Which bars are failures.
    """
    top = nice([*values, 0])
    step = (_WIDTH - _LEFT) / max(1, len(values))
    wide = min(_WIDEST, max(1.0, step - 2))
    floor, room = _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM - _TOP
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = floor - share * room
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(share * top)}</text>'
        )
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        height, left = value / top * room, _LEFT + (index + 0.5) * step - wide / 2
        failed = index < len(bad) and bad[index]
        told = f"{escape(label)}: {number(value)}" + (", failed" if failed else "")
        parts.append(
            f'<rect class="{"bad" if failed else "bar"}" x="{left:.1f}" '
            f'y="{floor - height:.1f}" width="{wide:.1f}" '
            f'height="{height:.1f}"><title>{told}</title></rect>'
        )
        if failed:  # shown by more than its colour
            middle, above = left + wide / 2, max(_TOP + 2.0, floor - height - 3)
            parts.append(
                f'<text x="{middle:.1f}" y="{above:.1f}" text-anchor="middle">\u00d7</text>'
            )
    places = [
        (0, _LEFT, "start"),
        *((len(labels) * share // 4, 0, "middle") for share in _marks(labels)),
        (len(labels) - 1, _WIDTH, "end"),
    ]
    for index, at, anchor in places if len(labels) > 2 else places[: len(labels)]:
        x = at or _LEFT + (index + 0.5) * step
        parts.append(
            f'<text x="{x:.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}">'
            f"{escape(labels[index])}</text>"
        )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        + "".join(parts)
        + "</svg>"
    )


def rows(
    labels: Sequence[str],
    values: Sequence[float],
    texts: Sequence[str],
    *,
    title: str,
    full: float = 0,
) -> str:
    """Horizontal bars, each below its label and its value.

    Args:
        labels: Their names.
        values: Not negative.
        texts: The values as people read them.
        title: Read out by screen readers.
        full: A bar of this value, or of the greatest one if that is more, has the full length.
    """
    greatest = max([*values, full]) or 1
    parts = [
        f"<div><span>{escape(label)}</span><b>{escape(text)}</b>"
        f'<i style="width:{max(0.5, value / greatest * 100):.1f}%"></i></div>'
        for label, value, text in zip(labels, values, texts, strict=True)
    ]
    return f'<div class="rows" role="img" aria-label="{escape(title)}">{"".join(parts)}</div>'


def _marks(labels: Sequence[str]) -> tuple[int, ...]:
    """Quarters of the axis that have a label besides its ends, so that no two labels touch."""
    return (1, 2, 3) if len(labels) > 8 and max(map(len, labels)) <= _SHORT else (2,)


def nice(values: Sequence[float]) -> float:
    """An end of the axis that is easy to read: 1, 2, 4 or 6 times a power of ten, or ten."""
    greatest = max(values)
    if greatest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(greatest))
    return next(step * power for step in (1, 2, 4, 6, 10) if step * power >= greatest)


def short(value: float) -> str:
    """A number in a few characters: ``1.5M``."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def number(value: float) -> str:
    """A number as people read it."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.1f}"
