"""A plot of accuracy over size as SVG that fits a light and a dark page."""

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 150, 20, 48
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #59636e; }
.grid { stroke: #d8dee4; } .other { fill: #8c959f; } .own { fill: #0a66c2; }
.name { fill: #0a66c2; font-weight: 600; }
@media (prefers-color-scheme: dark) { text { fill: #9aa4af; } .grid { stroke: #333a42; }
.other { fill: #6e7681; } .own, .name { fill: #58a6ff; } }
"""


def size_plot(
    title: str,
    own: Sequence[tuple[str, float, float]],
    published: dict[str, tuple[float, float]],
    baselines: dict[str, tuple[float, float]],
) -> str:
    """Points and their names; the size's axis is logarithmic.

    Args:
        title: of the vertical axis.
        own: (name, MB, value).
        published, baselines: (MB, value) by name, which stands to the right or left.
    """
    points = [*((mb, value) for _, mb, value in own)]
    points += [*published.values(), *baselines.values()]
    sizes = [math.log10(mb) for mb, _ in points]
    values = [value for _, value in points]
    low, high = math.floor(min(values)) - 1, math.ceil(max(values)) + 1
    left, right = min(sizes) - 0.1, max(sizes) + 0.1

    def x(mb: float) -> float:
        place = (math.log10(mb) - left) / (right - left)
        return _LEFT + place * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (high - value) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'role="img" aria-label="{escape(title)} by size"><style>{_STYLE}</style>'
    ]
    for tick in range(low, high + 1, max(1, (high - low) // 7)):
        lines.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" '
            f'y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
            f'<text x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">'
            f"{tick}</text>"
        )
    below = _HEIGHT - 26
    for mb in (0.25, 0.5, 1, 2, 5, 10):
        lines.append(
            f'<text x="{x(mb):.1f}" y="{below}" text-anchor="middle">{mb:g}</text>'
        )
    lines.append(
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">size of the weights or the file, MB; '
        f"{escape(title)}</text>"
    )
    for name, (mb, value) in published.items():
        lines.append(_point("other", "", name, x(mb), y(value)))
    for name, (mb, value) in baselines.items():
        lines.append(_point("other", "", name, x(mb), y(value), "end"))
    for name, mb, value in own:
        lines.append(_point("own", "name", f"{name}, {mb:.2f} MB", x(mb), y(value)))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _point(
    kind: str, style: str, name: str, x: float, y: float, anchor: str = "start"
) -> str:
    beside = x + 9 if anchor == "start" else x - 9
    return (
        f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
        f'<text class="{style}" x="{beside:.1f}" y="{y + 4:.1f}" '
        f'text-anchor="{anchor}">{escape(name)}</text>'
    )
