"""Bar charts as SVG text; colours come from the page's own style, for light and dark. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 180, 56, 22


def columns(
    labels: Sequence[str], values: Sequence[float], *, title: str, bad: Sequence[bool] = ()
) -> str:
    """Upright bars, one a label.

    Args:
        labels: Below the bars; the first, middle and last are written.
        values: Not negative.
        title: Read out by screen readers.
        bad: Which bars are failures.
    """
    greatest = max([*values, 0]) or 1
    step = (_WIDTH - _LEFT) / max(1, len(values))
    room = _HEIGHT - _BOTTOM - 10
    parts = []
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        height = value / greatest * room
        kind = "bad" if index < len(bad) and bad[index] else "bar"
        parts.append(
            f'<rect class="{kind}" x="{_LEFT + index * step:.1f}" '
            f'y="{_HEIGHT - _BOTTOM - height:.1f}" width="{max(1.0, step - 2):.1f}" '
            f'height="{height:.1f}"><title>{escape(label)}: {number(value)}</title></rect>'
        )
    for index in sorted({0, len(labels) // 2, len(labels) - 1} if labels else set()):
        at = min(_LEFT + index * step + step / 2, _WIDTH - 30)
        parts.append(
            f'<text x="{at:.1f}" y="{_HEIGHT - 6}" text-anchor="middle">'
            f"{escape(labels[index])}</text>"
        )
    parts.append(f'<text x="{_LEFT - 6}" y="18" text-anchor="end">{number(greatest)}</text>')
    parts.append(
        f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{_HEIGHT - _BOTTOM}" y2="{_HEIGHT - _BOTTOM}"/>'
    )
    return _svg(title, _HEIGHT, parts)


def rows(labels: Sequence[str], values: Sequence[float], *, title: str, unit: str) -> str:
    """Lying bars with their labels before and their values behind them."""
    greatest, line = max([*values, 0]) or 1, 26
    parts = []
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        y, width = index * line + 4, value / greatest * 240
        parts.append(f'<text x="280" y="{y + 14}" text-anchor="end">{escape(label)}</text>')
        parts.append(
            f'<rect class="bar" x="288" y="{y}" width="{max(1.0, width):.1f}" height="18"/>'
        )
        parts.append(f'<text x="{296 + width:.1f}" y="{y + 14}">{number(value)} {unit}</text>')
    return _svg(title, max(line, line * len(values)), parts)


def number(value: float) -> str:
    """A number as people read it."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.1f}"


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        + "".join(parts)
        + "</svg>"
    )
