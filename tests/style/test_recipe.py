"""Recipes: presets, conflicts, bad values."""

from __future__ import annotations

import pytest

from ganwerk.errors import ConfigError
from ganwerk.style.pyramid import fitted_area, long_sides, steps_of
from ganwerk.style.recipe import PRESETS, recipe_of


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_complete(name):
    recipe = recipe_of(name)
    assert recipe.preset == name
    assert len(recipe.layer_weights) == len(recipe.style_layers) >= 4


def test_the_lesson_s_recipe_is_exact():
    second = recipe_of("tensorflow")
    assert second.content_layers == ("relu4_2",)
    assert second.style_layers == ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    assert (second.content_weight, second.style_weight, second.tv_weight) == (1, 150, 30)
    assert (second.rate, second.beta1, second.eps, second.steps) == (0.002, 0.99, 0.1, 1000)
    assert recipe_of("tensorflow-noise").content_weight == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"backbone": "vgg18"}, "no backbone 'vgg18'"),
        ({"style_layers": ("relu9_1",)}, "no layer 'relu9_1'"),
        ({"statistic": "grams"}, "no statistic"),
        ({"tv_weight": -1.0}, "--tv-weight cannot be -1"),
        ({"content_weight": -1.0}, "--content-weight cannot be -1"),
        ({"tv_weight": float("nan")}, "--tv-weight"),
        ({"strength": 1.5}, "outside 0 to 1"),
        ({"strength": 0.5, "style_weight": 2.0}, "twice"),
        ({"layer_weights": (1.0,)}, "--layer-weights gives 1 numbers for 5"),
        ({"layer_weights": (0.0,) * 5}, "All layer weights are 0"),
        ({"layer_weights": (1, 1, float("nan"), 1, 1)}, "--layer-weights cannot be 1,1,nan"),
        ({"layer_weights": (1, 1, -1, 1, 1)}, "--layer-weights cannot be"),
        ({"layer_weights": (1, 1, 1e30, 1, 1)}, "--layer-weights cannot be"),
        ({"style_weight": 1e30}, "--style-weight cannot be 1e"),
        ({"rate": 1e30}, "--rate cannot be"),
        ({"style_size": 1e4}, "--style-scale cannot be"),
        ({"steps": 10**30}, "--steps cannot be"),
        ({"history": 10**9}, "--history cannot be"),
        ({"size_px": 7}, "--size cannot be 7"),
        ({"optimiser": "lbfgs", "statistic": "sliced"}, "cannot descend"),
        ({"colour": "keep"}, "no setting 'colour'"),
        ({"preset": "gatis"}, "no preset"),
        ({"preset": "gatys", "strength": 0.3}, "weights of its own"),
    ],
)
def test_what_cannot_be_is_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        recipe_of(**changes)


def test_weights_take_the_place_of_the_strength():
    assert recipe_of(content_weight=1.0, style_weight=1e3).weights == (1.0, 1e3)


def test_another_optimiser_brings_its_rate():
    assert recipe_of(optimiser="lbfgs").rate == 1.0
    assert recipe_of(optimiser="lbfgs", rate=0.3).rate == 0.3
    assert recipe_of(optimiser="adam").rate == recipe_of().rate
    assert recipe_of("tensorflow", optimiser="adam-keras").rate == 0.002


def test_noise_begins_at_a_coarser_scale():
    assert recipe_of(start="noise").smallest_px == 64
    assert recipe_of(start="noise", smallest_px=0).smallest_px == 0
    assert recipe_of("gatys", start="noise").smallest_px == 0
    assert recipe_of(start="style").smallest_px == recipe_of().smallest_px


def test_scales():
    assert long_sides(512, 128) == [128, 256, 512]
    assert long_sides(300, 128) == [150, 300]
    assert long_sides(512, 0) == [512]
    assert steps_of([128, 256, 512], 100) == [225, 150, 100]
    assert steps_of([512, 1024, 2048], 100) == [100, 50, 25]
    assert fitted_area(100, 400, 10_000) == (50, 200)
