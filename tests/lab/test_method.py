"""Methods as they are typed."""

from __future__ import annotations

import pytest

from ganwerk.config.remedies import REMEDIES
from ganwerk.errors import ConfigError
from ganwerk.lab.method import parse, title
from ganwerk.lab.presets import COLLAPSE, GRID, RING, STACKED


def kinds(text):
    return [remedy.kind for remedy in parse(text).remedies]


def test_plain_is_nothing():
    assert parse("plain").remedies == () and parse("plain").changes == {}


def test_remedies_and_changes_side_by_side():
    chosen = parse("loss=wasserstein + wgan-gp:weight=1,every=2 + d_steps=5")
    (penalty,) = chosen.remedies
    assert (penalty.kind, penalty.weight, penalty.every) == ("wgan-gp", 1.0, 2)
    setting = chosen.applied(COLLAPSE)
    assert (setting.loss, setting.d_steps) == ("wasserstein", 5)
    assert setting.batch == COLLAPSE.batch


def test_a_list_keeps_its_plus_signs():
    chosen = parse("diffaugment:policy=colour+cutout+replay:size=64")
    assert [r.kind for r in chosen.remedies] == ["diffaugment", "replay"]
    assert chosen.remedies[0].policy == ("colour", "cutout")


@pytest.mark.parametrize("kind", REMEDIES)
def test_every_remedy_can_be_named(kind):
    weight = ":weight=1" if kind in ("r1", "r2", "wgan-gp", "dragan") else ""
    assert kinds(kind + weight) == [kind]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("unroled:steps=5", "no remedy 'unroled'"),
        ("unrolled:stebs=5", "no setting 'stebs'"),
        ("unrolled:steps", "no '='"),
        ("unrolled:steps=11", "less than or equal to 10"),
        ("r1:weight=-1", "greater than or equal to 0"),
        ("plain+what", "no remedy 'what'"),
        ("", "no remedy ''"),
    ],
)
def test_mistakes_are_named(text, says):
    with pytest.raises(ConfigError, match=says):
        parse(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("batsh=5", "no setting here"),
        ("steps=many", "valid integer"),
        ("steps=0", "greater than 0"),
        ("batch=1", "greater than or equal to 2"),
        ("latent_dim=-1", "greater than 0"),
        ("g_rate=-1", "greater than 0"),
        ("d_rate=inf", "finite number"),
        ("g_rate=nan", "finite number"),
        ("beta1=1", "less than 1"),
        ("beta2=-0.1", "greater than or equal to 0"),
        ("hold=1", "less than 1"),
        ("floor=2", "less than or equal to 1"),
        ("average_images=-5", "greater than or equal to 0"),
        ("d_steps=0", "greater than 0"),
        ("d_scale=0", "greater than 0"),
        ("gain=-1", "greater than 0"),
        ("problem=grid", "no setting here"),
        ("source=me", "no setting here"),
        ("data_root=/", "no setting here"),
    ],
)
def test_mistaken_changes_are_named(text, says):
    with pytest.raises(ConfigError, match=says):
        parse(text).applied(COLLAPSE)


def test_titles_are_words():
    assert title("loss=hinge+unrolled:steps=5") == "hinge + unrolled steps 5"


@pytest.mark.parametrize("presets", [RING, GRID, STACKED], ids=["ring", "grid", "stacked"])
def test_what_presets_compare_is_known(presets):
    for preset in presets.values():
        for text in preset.methods:
            parse(text).applied(preset.setting)
