"""Settings after the change of a treatment."""

from __future__ import annotations

import pytest

from ganwerk.config import explain
from ganwerk.config.auto import FOLLOWING, GAMMA_PER_VARIANCE
from ganwerk.config.load import from_toml
from ganwerk.config.schema import MlpSettings, TransferSettings
from ganwerk.doctor.change import advised, changed, origins_after
from ganwerk.doctor.finding import Times
from ganwerk.doctor.table import kinds
from ganwerk.errors import ConfigError
from ganwerk.run import Run
from ganwerk.runtime import machine
from ganwerk.values import DataFacts, PictureShape

EVERY = [
    (kind.code, treatment)
    for kind in kinds().values()
    for treatment in kind.treatments
    if not treatment.anew
]
FACTS = DataFacts(1797, PictureShape(16, 1), tuple("0123456789"), (180,) * 10, variance=43.0)


@pytest.fixture(scope="module")
def settings(digits_run):
    return from_toml(Run.open(digits_run).settings_toml, "run.toml")


@pytest.mark.parametrize(("code", "treatment"), EVERY, ids=[f"{c} {t.name}" for c, t in EVERY])
def test_every_treatment_of_the_table_makes_sound_settings(settings, code, treatment):
    after = changed(settings, treatment.change)
    assert from_toml(explain.to_toml(after), "after") == after
    untouched = {key.split(".")[0] for key in treatment.change} | {"remedy"}
    for line in explain.difference(settings, after):
        assert line.split(".")[0] in untouched


def test_factors_are_of_the_present_value_or_of_what_is_advised(settings):
    first = settings.remedy[0]
    assert first.kind == "r1"
    after = changed(settings, {"remedy.r1": {"weight": Times(4)}})
    assert after.remedy[0].weight == pytest.approx(4 * first.weight, rel=1e-5)
    without = changed(settings, {"remedy.r1": None})
    assert [remedy.kind for remedy in without.remedy] == ["r2"]
    assert (settings.game.loss, settings.network.kind) == FOLLOWING
    again = changed(without, {"remedy.r1": {"weight": Times(4)}}, variance=100.0)
    assert again.remedy[1].kind == "r1"
    assert again.remedy[1].weight == pytest.approx(400 * GAMMA_PER_VARIANCE, rel=1e-5)


def broken(settings, **sections):
    """settings: by section, what is otherwise than advised."""
    changes = {
        name: getattr(settings, name).model_copy(update=values) for name, values in sections.items()
    }
    return settings.model_copy(update=changes)


def test_what_is_advised_keeps_pictures_budget_run_and_sizes(settings):
    here = machine.facts("cpu")
    sound = advised(settings, FACTS, here)
    spoilt = broken(
        sound,
        optimiser={"kind": "sgd", "generator_rate": 0.3},
        game={"loss": "minimax", "d_steps": 4},
        latent={"dim": 1},
        network={"generator_width": 8, "discriminator_norm": "batch"},
        run={"seed": 7},
        budget={"batch": 8},
    ).model_copy(update={"remedy": ()})
    after = advised(spoilt, FACTS, here)
    assert after.optimiser == sound.optimiser
    assert (after.game, after.remedy) == (sound.game, sound.remedy)
    assert after.remedy[0].weight == pytest.approx(43.0 * GAMMA_PER_VARIANCE, rel=0.05)
    assert after.latent.dim >= 16
    assert after.network == sound.network.model_copy(update={"generator_width": 8})
    assert (after.run, after.budget, after.data) == (spoilt.run, spoilt.budget, spoilt.data)
    assert advised(after, FACTS, here) == after


def test_what_auto_made_of_a_budget_with_room_is_what_is_advised(settings):
    """Else the first treatment of such a run would take D's hidden layer away."""
    here = machine.facts("cpu")
    rich = broken(advised(settings, FACTS, here), network={"discriminator_features": 256})
    assert advised(rich, FACTS, here) == rich


def test_networks_of_another_kind_are_those_that_are_advised(settings):
    here = machine.facts("cpu")
    other = settings.model_copy(update={"network": MlpSettings(), "preset": "listing"})
    assert advised(other, FACTS, here) == advised(
        broken(settings, network={"generator_width": 32, "discriminator_width": 32,
                                  "max_width": 128, "discriminator_features": 0}),
        FACTS, here)  # fmt: skip


def test_a_run_that_began_with_the_weights_of_another_does_not_lose_them(settings):
    taught = settings.model_copy(update={"transfer": TransferSettings(run="runs/a", images=100)})
    with pytest.raises(ConfigError, match="weights of runs/a"):
        advised(taught, FACTS, machine.facts("cpu"))


def test_origins_name_what_differs(settings):
    after = changed(settings, {"optimiser.generator_rate": Times(0.5)})
    assert origins_after(settings, after, "t") == {"optimiser.generator_rate": "t"}
    assert origins_after(settings, settings, "t") == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimiser.generator_rate": 3.0}, "cannot be 3.0"),
        ({"remedy.packing": {"size": 1}}, "cannot be 1"),
        ({"game.loss": Times(2)}, "cannot be multiplied"),
        ({"nothing.here": 1}, "no setting"),
    ],
)
def test_what_a_setting_cannot_be_is_refused(settings, change, message):
    with pytest.raises(ConfigError, match=message):
        changed(settings, change)
