"""ganwerk style, from the command line."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganwerk.cli.style import weighted
from ganwerk.errors import ConfigError
from ganwerk.style.recipe import recipe_of

SMALL = ["--size", "64", "--smallest", "32", "--steps", "4", "--content-layers", "relu2_1",
         "--style-layers", "relu1_1,relu2_1", "--precision", "float32"]  # fmt: skip


@pytest.fixture
def folder(cli, tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name, size in (("photo.png", (48, 64, 3)), ("painting.jpg", (80, 80, 3))):
        blocks = random.integers(0, 256, (size[0] // 8, size[1] // 8, 3), np.uint8)
        Image.fromarray(blocks.repeat(8, 0).repeat(8, 1)).save(tmp_path / name)
    return tmp_path


def test_a_photo(cli, folder):
    found = cli("style", "photo.png", "--style", "painting.jpg", *SMALL)
    assert found.exit_code == 0, found.output
    with Image.open(folder / "photo-painting.png") as made:
        assert made.size == (64, 48)
    assert "closures" in found.output
    assert "photo-painting.png: 10 closures" in found.output


def test_json(cli, folder):
    found = cli("style", "photo.png", "--style", "painting.jpg:2", "--json", *SMALL)
    lines = [json.loads(line) for line in found.output.splitlines()]
    assert lines[0]["event"] == "planned"
    assert lines[-1]["ok"] is True
    assert lines[-1]["path"] == "photo-painting.png"


def test_a_folder(cli, folder):
    (folder / "holiday").mkdir()
    for name in ("a", "b"):
        shutil.copy(folder / "photo.png", folder / "holiday" / f"{name}.png")
    found = cli("style", "holiday", "--style", "painting.jpg", *SMALL)
    assert found.exit_code == 0, found.output
    made = sorted(path.name for path in (folder / "holiday-painting").iterdir())
    assert made == ["a-painting.png", "b-painting.png"]
    found = cli("style", "holiday", "--style", "painting.jpg", "--resume", *SMALL)
    assert found.exit_code == 0, found.output
    assert found.output.count("finished before") == 2
    found = cli("style", "holiday", "--style", "painting.jpg", "--curves", "c.png", *SMALL)
    assert found.exit_code == 2
    assert "several photos" in found.output


def test_help_is_the_photo_s_with_the_verbs_below(cli):
    found = cli("style", "--help")
    assert found.exit_code == 0
    for words in ("--strength", "--mask", "Examples:", "train", "apply"):
        assert words in found.output
    assert cli("style").output == found.output
    assert "--minutes" in cli("style", "train", "--help").output


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["photo.png"], "--style is missing"),
        (["--style", "painting.jpg"], "PHOTO is missing"),
        (["phot.png", "--style", "painting.jpg"], "no photo phot.png"),
        (["photo.png", "--style", "painting.jpg:0"], "weight of 0 is not possible"),
        (["photo.png", "--style", "painting.jpg", "--strength", "2"], "outside 0 to 1"),
        (["photo.png", "--style", "painting.jpg", "--preset", "gatis"], "no preset 'gatis'"),
        (["photo.png", "--style", "painting.jpg", "--style-layers", "relu7_1"], "no layer"),
        (["photo.png", "--style", "painting.jpg", "--tv-weight", "-1"], "--tv-weight cannot be"),
        (["photo.png", "--style", "painting.jpg", "--layer-weights", "a,b"], "--layer-weights"),
        (["photo.png", "--style", "painting.jpg"], "smaller than the"),
        (["--demo", "photo.png"], "brings its own"),
        (["photo.png", "--stile", "painting.jpg"], "no option '--stile'"),
        (
            ["photo.png", "--style", "painting.jpg", "--layer-weights", "0,0"],
            "gives 2 numbers",
        ),
        (["photo.png", "--style", "painting.jpg", "--style-weight", "1e40"], "--style-weight"),
        (["photo.png", "--style", "painting.jpg", "--animation", "a.mp4"], "'.mp4'"),
        (["photo.png", "--style", "painting.jpg", "--save-every", "-1"], "--save-every cannot"),
        (["train", "painting.jpg", "--photos", "nowhere"], "folder nowhere cannot be read"),
        (["apply", "painting.jpg", "photo.png"], "cannot be read as a style network"),
    ],
)
def test_mistakes_have_a_sentence_and_a_hint(cli, folder, args, words):
    found = cli("style", *args)
    assert found.exit_code == 2
    assert words in found.output
    assert "hint:" in found.output
    assert "Traceback" not in found.output


def test_weights_of_styles(folder):
    assert weighted("a.jpg:2") == (Path("a.jpg"), 2.0)
    assert weighted("a.jpg") == (Path("a.jpg"), 1.0)
    assert weighted("C:/a.jpg") == (Path("C:/a.jpg"), 1.0)
    with pytest.raises(ConfigError, match="nan"):
        weighted("a.jpg:nan")


def test_only_what_was_given_becomes_a_setting(cli, folder, stub):
    verb = stub("ganwerk.stylisation.verb.stylise_file", None)
    found = cli("style", "photo.png", "--style", "painting.jpg", "--size", "64", "--steps", "7",
                "--style-layers", "relu1_1,relu2_1", "--layer-weights", "1, 2")  # fmt: skip
    assert found.exit_code == 0, found.output
    recipe = verb.calls[0][0][0].recipe
    assert recipe.layer_weights == (1.0, 2.0)
    usual = recipe_of(style_layers=("relu1_1", "relu2_1"))
    assert recipe == replace(usual, size_px=64, steps=7, layer_weights=(1.0, 2.0))


def test_train_and_apply(cli, folder, monkeypatch):
    from ganwerk.stylisation import network

    monkeypatch.setattr(network, "CROP_PX", 48)
    monkeypatch.setattr(network, "LONG_PX", 128)
    with Image.open(folder / "painting.jpg") as painting:
        painting.resize((160, 160)).save(folder / "large.png")
    found = cli("style", "train", "large.png", "--minutes", "0.01", "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.output.splitlines()[-1])["path"] == "large.safetensors"
    found = cli("style", "apply", "large.safetensors", "photo.png")
    assert found.exit_code == 0, found.output
    with Image.open(folder / "photo-large.png") as made:
        assert made.size == (64, 48)
    assert cli("style", "apply", "large.safetensors", "photo.png").exit_code == 2
    (folder / "other").mkdir()
    shutil.copy(folder / "photo.png", folder / "other" / "photo.png")
    found = cli("style", "apply", "large.safetensors", "photo.png", "other/photo.png", "--force")
    assert found.exit_code == 2
    assert "2 photos would become" in found.output
