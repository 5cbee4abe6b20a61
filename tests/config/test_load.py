from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.config import auto, explain, load
from ganwerk.errors import ConfigError
from ganwerk.values import DataFacts, MachineFacts, Origin, PictureShape

DATA = DataFacts(
    2000, PictureShape(32, 3), ("apple", "lemon"), (900, 1100), True, "they look alike"
)
MACHINE = MachineFacts("cpu", "a processor", 2, 8 << 30, 6 << 30)


def settled(**options):
    draft = load.collect(**options)
    draft.give("data.where", "pictures/", Origin("asked for"))
    auto.decide(draft, DATA, MACHINE)
    return draft, load.settle(draft)


@pytest.mark.parametrize("preset", load.preset_names())
def test_every_preset_settles_and_survives_its_own_file(preset):
    _, settings = settled(preset=preset)
    assert settings.preset == preset
    assert load.from_toml(explain.to_toml(settings), "run.toml") == settings


def test_later_sources_win(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'preset = "listing"\n[game]\nloss = "hinge"\n[budget]\nbatch = 16\nimages = 5\n'
    )
    draft, settings = settled(
        file=file,
        flags={"budget.batch": (8, "--batch 8")},
        sets=["latent.dim=7"],
    )
    assert settings.preset == "listing"
    assert settings.network.kind == "mlp"
    assert settings.game.loss == "hinge"
    assert (settings.budget.batch, settings.latent.dim) == (8, 7)
    origins = explain.origins_of(draft)
    assert origins["network.kind"] == "preset listing"
    assert origins["game.loss"] == str(file)
    assert origins["budget.batch"] == "--batch 8"
    assert origins["latent.dim"] == "--set latent.dim=7"
    assert origins["data.mirror"] == "preset listing"
    assert origins["data.channels"].startswith("auto: ")


def test_a_new_budget_replaces_the_old_one():
    _, settings = settled(preset="listing", flags={"budget.minutes": (3.0, "--minutes 3")})
    assert (settings.budget.minutes, settings.budget.epochs) == (3.0, None)


def test_another_network_forgets_the_settings_of_the_presets():
    draft, settings = settled(preset="listing", sets=["network.kind=dcgan"])
    assert settings.network.kind == "dcgan"
    assert "network.generator_widths" not in draft.values


def test_a_later_list_of_remedies_replaces_the_earlier(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[[remedy]]\nkind = "dragan"\nweight = 5\n')
    _, settings = settled(file=file)
    assert [r.kind for r in settings.remedy] == ["dragan"]


def test_one_value_of_a_remedy_can_be_set():
    _, settings = settled(sets=["remedy.0.weight=7.5"])
    assert settings.remedy[0].weight == 7.5
    assert settings.remedy[0].kind == "r1"


@pytest.mark.parametrize(
    ("sets", "message", "hint"),
    [
        (["game.los=hinge"], "no setting 'game.los'", "game.loss"),
        (["gam.loss=hinge"], "no setting 'gam.loss'", "game"),
        (["network.kind=dcgn"], "no network 'dcgn'", "dcgan"),
        (["network.widht=3"], "no setting 'network.widht'", "Did you mean"),
        (["game.loss=hing"], "game.loss cannot be 'hing'", "what the players minimise"),
        (["budget.batch=1"], "budget.batch cannot be 1", "pictures per update"),
        (["run.seed=-1"], "run.seed cannot be -1", "everything random"),
        (["remedy.0.kind=r9"], "no remedy 'r9'", "Did you mean"),
        (["remedy.5.weight=1"], "Remedy 5 does not say which it is", "kind ="),
        (["run.seed"], "has no '='", "Write it as"),
    ],
)
def test_mistakes_are_named_with_a_cure(sets, message, hint):
    with pytest.raises(ConfigError, match=message) as caught:
        load.collect(sets=sets)
    assert hint in caught.value.hint


def test_an_unknown_preset():
    with pytest.raises(ConfigError, match="no preset 'listng'") as caught:
        load.collect(preset="listng")
    assert "'listing'" in caught.value.hint


@pytest.mark.parametrize("text", ["[game\n", "a = \x00"])
def test_a_broken_file_is_named(tmp_path, text):
    file = tmp_path / "broken.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"broken\.toml is not valid TOML"):
        load.collect(file=file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none.toml cannot be read"):
        load.collect(file=tmp_path / "none.toml")


def test_a_damaged_run_file_names_the_place():
    _, settings = settled()
    text = explain.to_toml(settings).replace("batch = 16", 'batch = "many"')
    with pytest.raises(ConfigError, match=r"run.toml cannot be used: budget.batch"):
        load.from_toml(text, "run.toml")


def test_explain_names_every_setting_once_with_a_meaning():
    draft, settings = settled()
    rows = explain.explain(settings, explain.origins_of(draft))
    assert len({row.key for row in rows}) == len(rows)
    assert [row.key for row in rows if not row.meaning] == []
    assert {"game.loss", "remedy.0.kind", "network.up", "run.seed"} <= {row.key for row in rows}


def test_difference_is_empty_for_equals_and_names_what_differs():
    _, a = settled()
    _, b = settled(sets=["latent.dim=32", "run.seed=4"])
    assert explain.difference(a, a) == []
    assert explain.difference(a, b) == [
        "latent.dim: 64 -> 32",
        "run.seed: 0 -> 4",
    ]


@given(
    st.sampled_from(load.preset_names()),
    st.integers(2, 512),
    st.floats(1e-6, 0.5),
    st.integers(0, 2**62 - 1),
)
def test_settings_survive_toml(preset, batch, rate, seed):
    _, settings = settled(
        preset=preset,
        sets=[f"budget.batch={batch}", f"optimiser.generator_rate={rate!r}", f"run.seed={seed}"],
    )
    assert load.from_toml(explain.to_toml(settings), "x") == settings
