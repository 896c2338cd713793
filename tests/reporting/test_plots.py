"""The plot of stages is SVG whose points lie where they should."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from ei_bert_tf.reporting.plots import arena_plot, published_plot, stage_plot

STAGES = [
    {"name": "teacher", "metric": "f1", "value": 0.9, "bytes": 90_000_000},
    {"name": "<student>", "metric": "f1", "value": 0.8, "bytes": 9_000_000},
    {"name": "int8", "metric": "f1", "value": 0.85, "bytes": 900_000},
]


def points(svg: str) -> list[tuple[float, float]]:
    tree = ElementTree.fromstring(svg)
    return [(float(dot.get("cx")), float(dot.get("cy"))) for dot in tree.iter("circle")]


def test_points_are_ordered_by_size_and_value():
    (x0, y0), (x1, y1), (x2, y2) = points(stage_plot(STAGES))
    # Logarithmic: ten times smaller is the same step.
    assert x0 - x1 == pytest.approx(x1 - x2, abs=0.11)
    assert x0 > x1 > x2
    # Down is larger in SVG.
    assert y0 < y2 < y1
    assert y1 - y2 == pytest.approx(y2 - y0, abs=0.11)


def test_equal_stages_make_a_plot_too():
    same = [STAGES[0], STAGES[0] | {"name": "again"}]
    assert len(set(points(stage_plot(same)))) == 1


@pytest.mark.parametrize("values", [(0.9, 0.89, 0.891), (0.5, 0.1, 0.9), (0, 0, 0)])
def test_the_axis_has_round_numbers(values):
    stages = [
        stage | {"value": value} for stage, value in zip(STAGES, values, strict=True)
    ]
    ticks = re.findall(r'text-anchor="end">(-?[\d.]+)<', stage_plot(stages))
    assert 3 <= len(ticks) <= 9
    assert len(set(ticks)) == len(ticks)


def test_the_line_leaves_out_the_moved_teacher():
    moved = STAGES[0] | {"name": "teacher_refined", "value": 0.95}
    tree = ElementTree.fromstring(stage_plot([*STAGES[:2], moved, STAGES[2]]))
    (line,) = tree.iter("polyline")
    dots = points(stage_plot([*STAGES[:2], moved, STAGES[2]]))
    expected = [f"{x:.1f},{y:.1f}" for x, y in (dots[0], dots[1], dots[3])]
    assert line.get("points").split() == expected


def test_the_arena_s_peak_is_marked():
    steps = [
        {"op": "ADD", "layer": "<a>", "live_bytes": size} for size in (512, 2048, 1024)
    ]
    tree = ElementTree.fromstring(arena_plot(steps))
    bars = list(tree.iter("rect"))
    assert [bar.get("class") for bar in bars] == ["column", "peak", "column"]
    heights = [float(bar.get("height")) for bar in bars]
    assert heights[1] == pytest.approx(2 * heights[2], abs=0.11)
    assert heights[2] == pytest.approx(2 * heights[0], abs=0.11)


def test_published_models_stand_around_the_models_size():
    published = [
        {"name": "<a>", "megabytes": 0.1, "sst2": 0.8},
        {"name": "b", "megabytes": 1.0, "sst2": None},
        {"name": "c", "megabytes": 10.0, "sst2": 0.9},
    ]
    svg = published_plot(published, 1_000_000)
    (x0, y0), (x1, y1), (x2, y2) = points(svg)
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.11)
    # One without a value stands on the axis, below all others.
    assert y2 < y0 < y1
    (own,) = (
        line
        for line in ElementTree.fromstring(svg).iter("line")
        if line.get("class") == "own"
    )
    assert float(own.get("x1")) == float(own.get("x2")) == pytest.approx(x1, abs=0.11)
    assert "1 MB" in svg and "&lt;a&gt;: 0.100 MB, 80.0" in svg
