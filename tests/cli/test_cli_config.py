"""ganwerk config: on real presets and a real run directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ganwerk.cli.config import first_sentence, written
from ganwerk.config.load import preset_names, preset_text

SETTINGS = """\
preset = "auto"
[data]
where = "digits"
resolution = 16
channels = 1
mirror = false
conditional = true
memory_mb = 64
[network]
kind = "mlp"
[latent]
dim = 100
[game]
loss = "hinge"
[optimiser]
generator_rate = 0.001
discriminator_rate = 0.001
[schedule]
[average]
half_life_images = 1000.0
[budget]
minutes = 1.5
batch = 64
[run]
device = "cpu"
picture_seconds = 15.0
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    from ganwerk.run import Run

    origins = {"game.loss": "--set game.loss=hinge"}
    path = tmp_path / "mine"
    Run.create(path, settings_toml=SETTINGS, origins=origins, about={}, data={})
    return path


def test_explain_a_run(cli: Any, run: Path) -> None:
    result = cli("config", "explain", str(run))
    assert result.exit_code == 0, result.output
    head, *lines = result.stdout.splitlines()
    assert head.split() == ["setting", "value", "from", "meaning"]
    (line,) = [line for line in lines if line.startswith("game.loss")]
    assert line.split(maxsplit=3)[:2] == ["game.loss", "hinge"]
    assert "--set game.loss=hinge" in line
    assert line.endswith("what the players minimise")
    assert any(line.startswith("data.mirror") and " false " in line for line in lines)


def test_explain_a_run_as_json(cli: Any, run: Path) -> None:
    answer = json.loads(cli("config", "explain", str(run), "--json").stdout)
    assert answer["ok"] is True
    assert {
        "key": "game.loss",
        "value": "hinge",
        "origin": "--set game.loss=hinge",
        "meaning": "what the players minimise",
    } in answer["settings"]


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_listed_explained_and_shown(cli: Any, name: str) -> None:
    presets = json.loads(cli("config", "presets", "--json").stdout)["presets"]
    assert presets[name]
    assert any(line.startswith(name) for line in cli("config", "presets").stdout.splitlines())
    explained = cli("config", "explain", "--preset", name)
    assert explained.exit_code == 0, explained.output
    assert f"ganwerk train DATA --preset {name} --dry-run" in explained.stdout
    rows = json.loads(cli("config", "explain", "--preset", name, "--json").stdout)["settings"]
    assert all(row["meaning"] for row in rows)
    assert cli("config", "show", name).stdout == preset_text(name)


def test_explain_needs_one_thing_to_explain(cli: Any, run: Path) -> None:
    for args in ((), (str(run), "--preset", "auto")):
        result = cli("config", "explain", *args)
        assert result.exit_code == 2
        assert result.stderr.startswith("error: ")
        assert "hint: " in result.stderr


@pytest.mark.parametrize("args", [("show", "dcgn"), ("explain", "--preset", "dcgn")])
def test_an_unknown_preset(cli: Any, args: tuple[str, ...]) -> None:
    result = cli("config", *args)
    assert result.exit_code == 2
    assert result.stderr == "error: There is no preset 'dcgn'.\nhint: Did you mean 'dcgan'?\n"


def test_explain_where_there_is_no_run(cli: Any) -> None:
    result = cli("config", "explain", "nowhere", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["kind"] == "RunError"


def test_the_first_sentence_of_a_comment() -> None:
    text = "# As in Ha et al. 2016: big\n# and slow. Not for you.\n[game]\n# No."
    assert first_sentence(text) == "As in Ha et al. 2016: big and slow."
    assert first_sentence("[game]\n# No.") == ""


def test_values_are_written_as_after_set() -> None:
    assert written(True) == "true"
    assert written((256, 512)) == "[256, 512]"
    assert written("hinge") == "hinge"
