"""Plots as SVG that takes its colours from the page, light or dark."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import markupsafe

_WIDTH, _HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 24, 16, 40
_LEAST_SPAN = 0.01  # Of the metric, so that equal values do not fill the height.


def stage_plot(stages: Sequence[dict[str, Any]]) -> markupsafe.Markup:
    """The metric of each stage over its size in MB, whose axis is logarithmic.

    Args:
        stages: `{name, metric, value, bytes}` in their order. A line goes from the
            first, the teacher, through the students.
    """
    sizes = [math.log10(stage["bytes"] / 1e6) for stage in stages]
    values = [stage["value"] for stage in stages]
    low, high = min(values), max(values)
    margin = max(high - low, _LEAST_SPAN) * 0.2
    x = _scale(min(sizes) - 0.15, max(sizes) + 0.15, _LEFT, _WIDTH - _RIGHT)
    y = _scale(low - margin, high + margin, _HEIGHT - _BOTTOM, _TOP)
    points = [(x(a), y(b)) for a, b in zip(sizes, values, strict=True)]
    lines = [
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{markupsafe.escape(stages[0]["metric"])} by size">'
    ]
    ticks = _ticks(low - margin, high + margin)
    lines += _grid(ticks, y, "{:.1f}", 100)
    path = " ".join(
        f"{a:.1f},{b:.1f}"
        for (a, b), stage in zip(points, stages, strict=True)
        if stage is stages[0] or not is_of_teacher(stage)
    )
    lines.append(f'<polyline class="line" points="{path}"/>')
    for number, ((a, b), stage) in enumerate(zip(points, stages, strict=True), 1):
        shown = f"{100 * stage['value']:.2f}"
        lines += _dot(number, a, b, stage["name"], stage["bytes"] / 1e6, shown)
    for stage, (a, _) in zip(stages, points, strict=True):
        if stage in (stages[0], stages[-1]):
            lines.append(
                f'<text x="{a:.1f}" y="{_HEIGHT - 16}" text-anchor="middle">'
                f"{stage['bytes'] / 1e6:.3g} MB</text>"
            )
    return markupsafe.Markup("\n".join([*lines, "</svg>"]))


def published_plot(
    published: Sequence[dict[str, Any]], model_bytes: int
) -> markupsafe.Markup:
    """SST-2's accuracy of published models over MB, and a line at a model's size.

    Args:
        published: fields of PublishedModel, numbered from 1 in their order; one
            without a value stands on the axis.
        model_bytes: of the model whose size is drawn.
    """
    own = math.log10(model_bytes / 1e6)
    sizes = [math.log10(model["megabytes"]) for model in published]
    values = [model["sst2"] for model in published if model["sst2"] is not None]
    low, high = min(values) - 0.02, max(values) + 0.01
    x = _scale(min(*sizes, own) - 0.1, max(*sizes, own) + 0.1, _LEFT, _WIDTH - _RIGHT)
    y = _scale(low, high, _HEIGHT - _BOTTOM, _TOP)
    lines = [
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'aria-label="Published models by size">'
    ]
    lines += _grid(_ticks(low, high), y, "{:g}", 100)
    lines.append(
        f'<line class="own" x1="{x(own):.1f}" x2="{x(own):.1f}" y1="{_TOP}" '
        f'y2="{_HEIGHT - _BOTTOM}"/><text x="{x(own):.1f}" y="{_HEIGHT - 16}" '
        f'text-anchor="middle">{model_bytes / 1e6:.3g} MB</text>'
    )
    for number, (size, model) in enumerate(zip(sizes, published, strict=True), 1):
        value = model["sst2"]
        height = y(low if value is None else value)
        shown = "no readable value" if value is None else f"{100 * value:.1f}"
        lines += _dot(number, x(size), height, model["name"], model["megabytes"], shown)
    return markupsafe.Markup("\n".join([*lines, "</svg>"]))


def arena_plot(steps: Sequence[dict[str, Any]]) -> markupsafe.Markup:
    """Bytes in memory while each operator runs, in KB over the operators in order.

    Args:
        steps: `{op, layer, live_bytes}`.
    """
    values = [step["live_bytes"] / 1024 for step in steps]
    high = max(values) * 1.1
    x = _scale(0, len(values), _LEFT, _WIDTH - _RIGHT)
    y = _scale(0, high, _HEIGHT - _BOTTOM, _TOP)
    lines = [
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'aria-label="KB in memory by operator">'
    ]
    lines += _grid(_ticks(0, high), y, "{:g}")
    for number, (value, step) in enumerate(zip(values, steps, strict=True)):
        mark = "peak" if value == max(values) else "column"
        lines.append(
            f'<rect class="{mark}" x="{x(number):.1f}" y="{y(value):.1f}" '
            f'width="{x(1) - x(0):.1f}" height="{y(0) - y(value):.1f}">'
            f"<title>{markupsafe.escape(step['op'])} {markupsafe.escape(step['layer'])}"
            f": {value:.1f} KB</title></rect>"
        )
    lines.append(
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 16}" text-anchor="end">'
        f"{len(values)} operators</text>"
    )
    return markupsafe.Markup("\n".join([*lines, "</svg>"]))


def is_of_teacher(stage: dict[str, Any]) -> bool:
    """Whether a stage of the manifest tells of the teacher, moved or not."""
    return stage["name"].startswith("teacher")


def _dot(
    number: int, x: float, y: float, name: str, megabytes: float, value: str
) -> list[str]:
    return [
        f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="9"><title>'
        f"{markupsafe.escape(name)}: {megabytes:.3f} MB, {value}</title></circle>",
        f'<text class="number" x="{x:.1f}" y="{y + 4:.1f}" '
        f'text-anchor="middle">{number}</text>',
    ]


def _grid(
    ticks: Sequence[float], y: Callable[[float], float], shown: str, times: float = 1
) -> list[str]:
    return [
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" '
        f'y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">'
        f"{shown.format(times * tick)}</text>"
        for tick in ticks
    ]


def _scale(low: float, high: float, first: float, last: float):
    return lambda value: first + (value - low) / (high - low) * (last - first)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers in the range, three to eight of them."""
    span = high - low
    step = 10.0 ** math.floor(math.log10(span))
    for factor in (1.0, 0.5, 0.2, 0.1):
        ticks = [
            number * step * factor
            for number in range(
                math.ceil(low / (step * factor)), math.floor(high / (step * factor)) + 1
            )
        ]
        if len(ticks) >= 3:
            return ticks
    return ticks
