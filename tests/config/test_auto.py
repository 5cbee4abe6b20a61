from __future__ import annotations

from dataclasses import replace

import pytest

from ganwerk.config import auto, load
from ganwerk.errors import ConfigError
from ganwerk.nn.sizes import allowed_resolutions
from ganwerk.values import DataFacts, MachineFacts, Origin, PictureShape

LABELLED = DataFacts(2000, PictureShape(32, 3), ("a", "b"), (900, 1100), True, "alike")
PLAIN = DataFacts(500, PictureShape(64, 1), (), (), False, "digits")
CPU = MachineFacts("cpu", "a processor", 2, 8 << 30, 6 << 30)
GPU = replace(CPU, device="cuda", device_name="a card")


def decided(data, machine=CPU, **options):
    draft = load.collect(**options)
    draft.give("data.where", "x", Origin("asked for"))
    auto.decide(draft, data, machine)
    return load.settle(draft)


def test_classes_are_learned_where_there_are_enough_pictures_of_each():
    assert decided(LABELLED).data.conditional
    assert not decided(PLAIN).data.conditional
    few = replace(LABELLED, class_counts=(1990, 10))
    assert not decided(few).data.conditional


def test_what_was_asked_for_wins():
    settings = decided(
        LABELLED, flags={"data.conditional": (False, "--unconditional"), "data.mirror": (False, "")}
    )
    assert not settings.data.conditional
    assert not settings.data.mirror


def test_conditional_without_classes_is_refused():
    with pytest.raises(ConfigError, match="no classes") as caught:
        decided(PLAIN, flags={"data.conditional": (True, "--conditional")})
    assert "sub-folder" in caught.value.hint


def test_mirroring_follows_the_data():
    assert decided(LABELLED).data.mirror
    assert not decided(PLAIN).data.mirror


@pytest.mark.parametrize("resolution", allowed_resolutions())
@pytest.mark.parametrize("machine", [CPU, GPU])
def test_every_size_has_settings(resolution, machine):
    settings = decided(replace(PLAIN, shape=PictureShape(resolution, 3)), machine)
    assert settings.budget.minutes == auto.need_of(resolution).most_minutes
    assert settings.remedy[0].weight > 0


def test_a_card_affords_wider_networks():
    assert (
        decided(LABELLED, GPU).network.generator_width > decided(LABELLED).network.generator_width
    )


def test_the_penalty_grows_with_the_picture_and_stays_bounded():
    weights = [auto.penalty_weight("r1", "non-saturating", r) for r in allowed_resolutions()]
    assert weights == sorted(weights)
    assert auto.penalty_weight("r1", "non-saturating", 28) == pytest.approx(0.1)
    assert weights[-1] == 5.0
    assert auto.penalty_weight("wgan-gp", "wasserstein", 256) == 10.0


@pytest.mark.parametrize("preset, follows", [("auto", True), ("stylegan", False), ("r3", False)])
def test_gamma_follows_the_pictures_where_that_was_measured(preset, follows):
    found = {
        variance: decided(replace(PLAIN, variance=variance), preset=preset).remedy[0].weight
        for variance in (0.0, 200.0, 8000.0)
    }
    by_size = auto.penalty_weight("r1", "relativistic", PLAIN.shape.resolution)
    assert found[0.0] == by_size
    if follows:
        assert found[200.0] == pytest.approx(200 * auto.GAMMA_PER_VARIANCE, rel=0.05)
        assert found[8000.0] == pytest.approx(40 * found[200.0], rel=0.05)
    else:
        assert set(found.values()) == {by_size}


def test_every_automatic_value_has_a_reason():
    draft = load.collect()
    draft.give("data.where", "x", Origin("asked for"))
    auto.decide(draft, LABELLED, CPU)
    silent = [k for k, o in draft.origins.items() if o.source == "auto" and not o.reason]
    assert silent == []


def of_preset(preset, machine, side=64, sets=()):
    draft = load.collect(preset=preset, sets=sets)
    draft.give("data.where", "x", Origin("asked for"))
    auto.decide(draft, replace(LABELLED, shape=PictureShape(side, 3)), machine)
    return load.settle(draft)


LARGE = ["stylegan", "stylegan-first", "progressive", "multi-scale"]


@pytest.mark.parametrize("preset", LARGE)
def test_large_pictures_get_the_published_widths_on_a_card_and_fewer_elsewhere(preset):
    card, small = of_preset(preset, GPU), of_preset(preset, CPU)
    assert (card.network.generator_width, card.network.max_width) == (256, 512)
    assert (card.budget.batch, small.budget.batch) == (32, 16)
    assert small.network.generator_width == 16
    assert of_preset(preset, GPU, 512).network.generator_width == 64
    assert of_preset(preset, GPU, 512).budget.batch == 8


@pytest.mark.parametrize("preset", LARGE)
def test_without_the_relativistic_loss_r1_grows_with_the_pixels_up_to_the_published_10(preset):
    asked = ["game.loss=non-saturating"]
    sides = (32, 64, 128, 1024)
    weights = [of_preset(preset, CPU, side, asked).remedy[0].weight for side in sides]
    assert weights == [0.25, 1.0, 4.0, 10.0]


@pytest.mark.parametrize("preset", LARGE)
def test_networks_for_large_pictures_are_held_at_reals_and_at_fakes(preset):
    for side in (32, 64, 128):
        settings = of_preset(preset, CPU, side)
        assert settings.game.loss == "relativistic"
        assert [remedy.kind for remedy in settings.remedy] == ["r1", "r2"]
        expected = pytest.approx((side / 28) ** 2, abs=1e-4)
        assert [remedy.weight for remedy in settings.remedy] == [expected, expected]


@pytest.mark.parametrize(("side", "width"), [(32, 768), (64, 384), (128, 192), (256, 96)])
def test_r3_has_the_published_widths(side, width):
    network = of_preset("r3-full", GPU, side).network
    assert (network.generator_width, network.max_width) == (width, 768)


@pytest.mark.parametrize(
    ("images_per_second", "minutes"),
    [(10, 3.0), (500, 2.0), (100_000, 1.5)],  # at 16 px 60,000 images, between 1.5 and 3 minutes
)
def test_an_automatic_budget_follows_the_machine_within_bounds(images_per_second, minutes):
    draft = load.collect()
    draft.give("data.where", "x", Origin("asked for"))
    auto.decide(draft, replace(PLAIN, shape=PictureShape(16, 1)), CPU)
    auto.fit_budget(draft, images_per_second)
    assert draft.values["budget.minutes"] == minutes
    assert "60,000 images" in str(draft.origins["budget.minutes"])


def test_a_budget_that_was_asked_for_stays():
    draft = load.collect(flags={"budget.minutes": (7.0, "--minutes 7")})
    draft.give("data.where", "x", Origin("asked for"))
    auto.decide(draft, PLAIN, CPU)
    auto.fit_budget(draft, 10)
    assert draft.values["budget.minutes"] == 7.0


def test_a_plan_says_what_its_budget_is_worth_and_what_was_never_measured():
    (short,) = auto.advice(16, 23_000, 250)
    assert "23,000 images" in short
    assert "60,000" in short and "4 min 00 s" in short
    assert auto.advice(16, 60_000, 250) == ()
    assert "usually need" in short
    (unmeasured,) = auto.advice(32, 10_000, 250)
    assert "first guess" in unmeasured
    (guess,) = auto.advice(128, 600_000, 100)
    assert "up to 64 px" in guess
    (card,) = auto.advice(16, 60_000, 250, on_cpu=False)
    assert "on a card" in card


def roomy(images=200_000, sets=(), data=LABELLED, machine=CPU, count=50_000):
    draft = load.collect(sets=[f"budget.images={images}", *sets])
    draft.give("data.where", "x", Origin("asked for"))
    auto.decide(draft, data, machine)
    changed = auto.enrich(draft, machine, 500.0, count)
    settings = load.settle(draft)
    if settings.network.kind == "dcgan":
        width = settings.network.discriminator_features
        assert changed == (width == 256 and "discriminator_features" not in "".join(sets))
    return changed


def test_a_budget_with_room_gives_d_a_hidden_layer():
    assert roomy()
    assert roomy(180_000) and not roomy(179_000)  # nine tenths of the need
    draft = load.collect(sets=["budget.minutes=8"])
    draft.give("data.where", "x", Origin("asked for"))
    auto.decide(draft, LABELLED, CPU)
    assert not auto.enrich(draft, CPU, 370.0, 50_000)
    assert auto.enrich(draft, CPU, 380.0, 50_000)
    assert "182,400 images, 200,000 are needed" in str(draft.origins[auto.HIDDEN])


@pytest.mark.parametrize(
    "changed",
    [
        {"data": replace(LABELLED, shape=PictureShape(16, 3))},
        {"data": PLAIN},
        {"machine": GPU},
        {"count": 9_999},
        {"sets": ["network.discriminator_features=0"]},
        {"sets": ["network.discriminator_features=256"]},
        {"sets": ["game.loss=hinge"]},
        {"sets": ["network.kind=resnet"]},
    ],
)
def test_but_not_where_that_was_never_measured_or_something_else_was_asked_for(changed):
    assert not roomy(images=10**6, **changed)
