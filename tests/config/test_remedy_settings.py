"""Remedies as settings: names and defaults as the constructors have them, texts, what is chosen."""

from __future__ import annotations

import inspect

import pytest
import torch
from pydantic_core import PydanticUndefined

from ganwerk.config import auto, build, explain, load
from ganwerk.config.remedies import REMEDIES, describe, parse
from ganwerk.errors import ConfigError
from ganwerk.game import remedies as game_remedies
from ganwerk.game.step import train_step
from ganwerk.nn.types import Batch
from ganwerk.values import DataFacts, MachineFacts, Origin, PictureShape

CPU = MachineFacts("cpu", "a processor", 2, 8 << 30, 6 << 30)


def settings_of(*remedies, mirror=False, channels=3, preset=None, file=None, sets=(), classes=3):
    names = tuple("abc"[:classes])
    data = DataFacts(
        1000, PictureShape(16, channels), names, (300,) * classes, mirror_safe=mirror,
        mirror_reason="measured",
    )  # fmt: skip
    draft = load.collect(preset=preset, file=file, remedies=remedies, sets=sets)
    draft.give("data.where", "blobs", Origin("asked for"))
    auto.decide(draft, data, CPU)
    return load.settle(draft), draft


def test_both_lists_have_the_same_remedies_in_the_same_order():
    assert list(REMEDIES) == list(game_remedies.REMEDIES)


@pytest.mark.parametrize("name", REMEDIES)
def test_settings_are_the_constructors_arguments(name):
    fields = {k: f for k, f in REMEDIES[name].model_fields.items() if k != "kind"}
    arguments = inspect.signature(game_remedies.REMEDIES[name]).parameters
    assert list(fields) == list(arguments)
    for key, argument in arguments.items():
        default = fields[key].default
        required = argument.default is inspect.Parameter.empty
        if name in ("wgan-gp", "dragan") and key == "weight":
            continue  # chosen by config.auto, 10 in Python as in the papers
        assert required == (default is PydanticUndefined), key
        if not required:
            assert argument.default == default, key
        assert fields[key].description, key


@pytest.mark.parametrize("name", REMEDIES)
def test_each_is_built_from_its_settings(name):
    settings, _ = settings_of("none", name, classes=0)
    recipe = build.recipe(settings)
    plain = build.recipe(settings_of("none", classes=0)[0])
    assert str(recipe) != str(plain)
    assert describe(name)


def test_texts():
    assert parse("unrolled") == ("unrolled", {})
    assert parse("unrolled:steps=3,first_order=true,objective=value") == (
        "unrolled", {"steps": 3, "first_order": True, "objective": "value"}
    )  # fmt: skip
    assert parse(" ada:policy=flip + colour, target = 0.5 ") == (
        "ada", {"policy": ["flip", "colour"], "target": 0.5}
    )  # fmt: skip
    assert parse("diffaugment:policy=colour")[1] == {"policy": ["colour"]}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("unroled", "no remedy 'unroled'", "Did you mean 'unrolled'?"),
        ("unrolled:step=2", "'unrolled' has no setting 'step'", "Did you mean 'steps'?"),
        ("optimistic:x=1", "'optimistic' has no settings", "Write just optimistic"),
        ("replay:size", "'size' in the remedy 'replay:size' has no '='", "replay:size=VALUE"),
        ("", "no remedy ''", "Possible"),
        (
            "unrolled:steps=11",
            "remedy.2.steps cannot be 11 (--remedy unrolled:steps=11)",
            "updates",
        ),
        ("ada:policy=flop", "remedy.2.policy", "joined by +"),
        ("replay:share=half", "remedy.2.share cannot be 'half'", "old ones"),
    ],
)
def test_what_is_wrong_with_a_text(text, message, hint):
    with pytest.raises(ConfigError) as caught:
        load.collect(remedies=[text])
    assert message in caught.value.message
    assert hint in caught.value.hint


def kinds(settings):
    return [remedy.kind for remedy in settings.remedy]


def test_flags_add_to_the_preset_and_replace_its_own():
    settings, draft = settings_of("replay:size=64", "r1:weight=7")
    assert kinds(settings) == ["r1", "r2", "replay"]
    assert settings.remedy[0].weight == 7
    assert settings.remedy[2].size == 64
    assert str(draft.origins["remedy.2.size"]) == "--remedy replay:size=64"
    assert kinds(settings_of("none", "packing")[0]) == ["packing"]
    assert kinds(settings_of("packing", "none")[0]) == []


def test_a_preset_variant_needs_no_flag(tmp_path):
    settings, _ = settings_of(preset="auto+unrolled+ema")
    assert kinds(settings) == ["r1", "r2", "unrolled", "ema"]
    assert settings.preset == "auto+unrolled+ema"
    file = tmp_path / "mine.toml"
    file.write_text('preset = "dcgan+minibatch-stddev"\n')
    assert kinds(settings_of(file=file)[0]) == ["minibatch-stddev"]
    with pytest.raises(ConfigError, match="no remedy 'unroled'"):
        load.collect(preset="auto+unroled")
    with pytest.raises(ConfigError, match="no preset 'outo'"):
        load.collect(preset="outo+unrolled")


def test_a_file_names_remedies_and_set_changes_them(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[[remedy]]\nkind = "unrolled"\nsteps = 2\n[[remedy]]\nkind = "ada"\n')
    settings, _ = settings_of(file=file, sets=["remedy.0.steps=3"])
    assert kinds(settings) == ["unrolled", "ada"]
    assert settings.remedy[0].steps == 3
    file.write_text('[[remedy]]\nkind = "unrolled"\nstep = 2\n')
    with pytest.raises(ConfigError, match="'unrolled' has no setting 'step'") as caught:
        load.collect(file=file)
    assert caught.value.hint == "Did you mean 'steps'?"
    file.write_text("[[remedy]]\nsteps = 2\n")
    with pytest.raises(ConfigError, match="does not say which it is"):
        load.collect(file=file)


@pytest.mark.parametrize(
    ("mirror", "channels", "diffaugment", "ada"),
    [
        (True, 3, ("flip", "colour", "translation", "cutout"),
         ("flip", "translation", "scale", "colour")),
        (False, 1, ("translation", "cutout"), ("translation", "scale")),
    ],
)  # fmt: skip
def test_policies_follow_the_data(mirror, channels, diffaugment, ada):
    """No flips that the data does not have, no colours for grey pictures, never turns."""
    settings, draft = settings_of("diffaugment", "ada", mirror=mirror, channels=channels)
    assert settings.remedy[2].policy == diffaugment
    assert settings.remedy[3].policy == ada
    assert "mirrored" in str(draft.origins["remedy.2.policy"])
    assert settings_of("ada:policy=turn")[0].remedy[2].policy == ("turn",)


def test_groups_divide_the_batch():
    settings, _ = settings_of("minibatch-stddev", "minibatch-discrimination")
    assert [r.group for r in settings.remedy[2:]] == [4, 16]
    settings, _ = settings_of("minibatch-stddev", sets=["budget.batch=50"])
    assert settings.remedy[2].group == 2
    settings, _ = settings_of("packing:size=2", "minibatch-stddev", sets=["budget.batch=12"])
    assert settings.remedy[3].group == 3
    build.players(settings, 0, torch.device("cpu"))
    settings, _ = settings_of("minibatch-stddev:group=4", sets=["budget.batch=50"])
    with pytest.raises(ConfigError, match="groups of 4 samples, and a batch of 50") as caught:
        build.players(settings, 3, torch.device("cpu"))
    assert "--batch 48" in caught.value.hint


def test_packing_and_classes():
    """Left to itself ganwerk trains without classes; asked for both, it says no."""
    settings, draft = settings_of("packing")
    assert not settings.data.conditional
    assert "mixes classes" in str(draft.origins["data.conditional"])
    settings, _ = settings_of("packing", sets=["data.conditional=true"])
    with pytest.raises(ConfigError, match="cannot know a class"):
        build.players(settings, 3, torch.device("cpu"))


@pytest.mark.parametrize(
    ("remedies", "sets", "message"),
    [
        (["optimistic", "extra-gradient"], [], "'optimistic' and 'extra-gradient' both set"),
        (["unrolled", "optimistic"], [], "'unrolled' and 'optimistic' both set"),
        (["steps:d=2"], ["game.d_steps=2"], "'game.d_steps' and 'steps' both set 'd_steps'"),
        (["label-smoothing"], ["game.loss=hinge"], "no meaning for the loss 'hinge'"),
        (["skip"], ["game.loss=wasserstein"], "D cannot rest"),
    ],
)
def test_clashes_are_found_when_the_game_is_built(remedies, sets, message):
    settings, _ = settings_of(*remedies, sets=sets)
    with pytest.raises(ConfigError, match=message):
        build.recipe(settings)


def test_every_remedy_survives_its_own_file():
    """run.toml holds all settings of all remedies, and they are explained."""
    names = [n for n in REMEDIES if n not in ("optimistic", "extra-gradient", "packing")]
    settings, draft = settings_of(*names)
    assert load.from_toml(explain.to_toml(settings), "run.toml") == settings
    rows = {row.key: row for row in explain.explain(settings, explain.origins_of(draft))}
    assert rows["remedy.2.steps"].meaning == "updates of D looked ahead"
    assert all(row.meaning for row in rows.values())


def test_weights_follow_from_the_seed_alone():
    """Also what a layer draws when it is made: the singular vectors of spectral norm."""
    settings, _ = settings_of("spectral-norm", "minibatch-discrimination")
    nets = []
    for noise in range(2):
        torch.manual_seed(noise)
        before = torch.random.get_rng_state()
        nets.append(build.players(settings, 3, torch.device("cpu"))[1].state_dict())
        assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(nets[0][k], nets[1][k]) for k in nets[0])


NARROW = ["network.generator_width=8", "network.discriminator_width=8", "network.max_width=16"]
ENTRY_PER_RESOLUTION = ("progressive", "multi-scale", "stylegan-first")


@pytest.mark.parametrize(
    "asked",
    [
        ("unrolled:steps=2", "r1:weight=0.1,every=1"),
        ("packing:size=4", "minibatch-stddev:group=2", "unrolled:steps=1"),
        ("minibatch-discrimination", "spectral-norm", "replay"),
    ],
    ids=lambda asked: asked[0].split(":")[0],
)
@pytest.mark.parametrize("preset", load.preset_names())
def test_every_network_bears_them(preset, asked):
    """Residual networks through unrolled penalties, packs of pictures, batch norm and groups."""
    sets = ["budget.batch=16", *(NARROW if preset != "listing" else [])]
    settings, _ = settings_of(*asked, preset=preset, sets=sets)
    recipe = build.recipe(settings)
    if preset == "dcgan" and "r1" in asked[1]:
        with pytest.raises(ConfigError, match="not possible while D has batch norm"):
            build.state(settings, 3, torch.device("cpu"), 1e6, recipe)
        return
    if preset in ENTRY_PER_RESOLUTION and "packing" in asked[0]:
        with pytest.raises(ConfigError, match="an entry for each resolution"):
            build.state(settings, 3, torch.device("cpu"), 1e6, recipe)
        return
    state = build.state(settings, 3, torch.device("cpu"), 1e6, recipe)
    labels = torch.arange(16) % 3 if settings.data.conditional else None
    images = torch.rand(16, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for _ in range(2):
        report = train_step(state, lambda _: Batch(images, labels), recipe)
    weights = [p for net in (state.g_net, state.d_net) for p in net.parameters()]
    assert all(p.isfinite().all() for p in weights)
    assert report.d_loss.isfinite()
    assert report.played.fake_logits.shape == (4 if "packing" in asked[0] else 16,)
