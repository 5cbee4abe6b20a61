"""Figures: of the right size, with what they must show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ganwerk.lab import dirac, line, points, vanish
from ganwerk.lab.figures import compare, ink
from ganwerk.lab.figures import dirac as draw_dirac
from ganwerk.lab.figures import line as draw_line
from ganwerk.lab.figures import points as draw_points
from ganwerk.lab.figures import vanish as draw_vanish
from ganwerk.lab.mixture import MIXTURES
from ganwerk.lab.presets import COLLAPSE
from ganwerk.lab.table import Column, aligned, cell, mean_of, rows, summary
from ganwerk.lab.trial import Trial

SHORT = replace(COLLAPSE, steps=8, batch=16, g_widths=(8,), d_widths=(8,))


def silent(share):
    pass


def words(figure):
    return [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))]


@pytest.fixture(scope="module")
def ring():
    return {text: [points.trial(SHORT, text, 0, silent)] for text in ("plain", "replay")}


def test_density_is_a_share_and_lies_where_the_points_are():
    found = draw_points.density(np.array([[1.0, -0.5]] * 10), reach=2.0)
    assert found.sum() == pytest.approx(1)
    row, column = np.unravel_index(found.argmax(), found.shape)
    cell_of = draw_points.CELLS / 4
    assert abs(row - 1.5 * cell_of) <= 1 and abs(column - 3 * cell_of) <= 1


def test_heat_maps_name_methods_steps_and_modes(ring, tmp_path):
    rows_ = [draw_points.Row(name, trials[0]) for name, trials in ring.items()]
    figure = draw_points.heat_maps(rows_, MIXTURES["ring"], "Eight", "how to read")
    said = words(figure)
    for expected in ("Eight", "how to read", "step 0", "step 8", "the data", "8 modes", "replay"):
        assert expected in said
    ink.write_png(tmp_path / "a.png", figure)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width == ink.WIDTH_INCHES * ink.DPI


def test_animations_have_a_frame_per_moment(ring, tmp_path):
    rows_ = [draw_points.Row(name, trials[0]) for name, trials in ring.items()]
    moving = draw_points.frames(rows_, MIXTURES["ring"], "Eight")
    assert len(moving) == len(ring["plain"][0].arrays["steps"])
    for kind in ("webp", "gif"):
        ink.write_moving(tmp_path / f"a.{kind}", moving[:3], 100)
        with Image.open(tmp_path / f"a.{kind}") as picture:
            assert picture.n_frames == 3 and picture.size == moving[0].shape[1::-1]


def test_the_line_prints_theory_beside_measurement():
    trial = line.trial(replace(line.SETTING, steps=4, batch=16), "plain", 0, silent)
    said = " ".join(words(draw_line.moments_of_game("plain", trial)))
    assert f"V(D, G): {trial.facts['value']:.4f}" in said
    assert "−log 4 = -1.3863" in said and "equilibrium 0.5" in said


def test_dirac_says_what_it_measured():
    trial = dirac.trial(dirac.SETTING, "r1:weight=0.5", 0, silent)
    said = " ".join(words(draw_dirac.phase_plots([("R1", trial)])))
    assert "R1: converges" in said and "predicted 0.9747" in said


@pytest.mark.parametrize(
    ("last", "factor", "says"),
    [(1.4, 1.0001, "circles"), (0.1, 0.99, "converges"), (3.0, 1.01, "grows"),
     (0.1, 1.002, "comes near, then strays"), (1.4, None, "too short to tell")],
)  # fmt: skip
def test_the_verdict_on_a_path(last, factor, says):
    trial = Trial({"radius_first": 1.4, "radius_last": last, "shrinkage": factor}, {})
    assert draw_dirac._what(trial) == says


def test_a_short_dirac_says_that_it_is_short():
    trial = dirac.trial(replace(dirac.SETTING, steps=1), "plain", 0, silent)
    said = words(draw_dirac.phase_plots([("plain", trial)]))
    assert "plain: too short to tell" in said and "plain, predicted 1.0000" in said


def test_vanishing_says_what_is_left():
    setting = replace(vanish.SETTING, steps=3, batch=8)
    games = {m: [vanish.trial(setting, f"loss={m}", s, silent) for s in (0, 1)]
             for m in ("minimax", "hinge")}  # fmt: skip
    said = " ".join(words(draw_vanish.gradients(games)))
    assert "minimax:" in said and "at the end" in said


def test_comparison_has_a_bar_per_method():
    def trial(modes):
        return Trial({"modes": modes, "high_quality": 0.5}, {})

    games = {"ring:best": {"plain": [trial(1), trial(2)], "replay": [trial(8), trial(8)]}}
    figure = compare.dots(games, {"ring:best": 8})
    assert {"plain", "replay"} <= set(words(figure))
    bars = [patch.get_width() for patch in figure.axes[0].patches]
    assert bars == [1.5, 8.0]


def test_means_and_their_errors():
    found = mean_of([1, 2, 3, None])
    assert (found.mean, found.count, found.values) == (2.0, 3, (1.0, 2.0, 3.0, None))
    assert found.error == pytest.approx(1 / np.sqrt(3))
    assert mean_of([4]).error is None and mean_of([None]).mean is None


def test_tables():
    games = {
        "plain": [Trial({"hq": 0.5}, {}), Trial({"hq": 0.7}, {})],
        "x": [Trial({"hq": None}, {})],
    }
    column = Column("hq", "quality %", ".1f", 100)
    lines = rows(summary(games), (column,))
    assert lines == [("method", "quality %"), ("plain", "60.0 ± 10.0"), ("x", "-")]
    assert aligned(lines)[2] == "x" + " " * 17 + "-"
    assert cell(mean_of([0.25]), column) == "25.0"
