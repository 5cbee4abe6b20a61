"""Each command on a run of each preset, with classes, without and with transparency: it works, or
it says in one sentence why it cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganwerk.config.load import preset_names
from ganwerk.control import directions, project, steered
from ganwerk.evaluation import pixelwise
from ganwerk.metrics import scale
from ganwerk.sampling import space

STYLED = ("stylegan", "stylegan-first")
CHANNELS = {"classes": 3, "plain": 1, "transparent": 4}
"""Only the pictures of the first kind lie in classes."""

NARROW = (
    *("--set", "network.generator_width=8"),
    *("--set", "network.discriminator_width=8"),
    *("--set", "network.max_width=8"),
)
LAYERS = (
    *("--set", "network.generator_widths=[8]"),
    *("--set", "network.discriminator_widths=[8]"),
)
TINY = (
    *("--images", "16", "--batch", "8", "--resolution", "16"),
    *("--set", "latent.dim=8", "--set", "run.precision=float32"),
)
FILM = ("--seconds", "0.2", "--rate", "10")

COMMANDS: dict[str, tuple[str, ...]] = {
    "train": ("train", "pictures", "--out", "run", *TINY),
    "resume": ("resume", "run", "--images", "8"),
    "sample": ("sample", "run", "--seeds", "0-1"),
    "truncation": ("sample", "run", "--seeds", "0-1", "--truncation", "0.5", "--out", "ordinary"),
    "seeds": ("interpolate", "run", "--seeds", "1,5", *FILM, "--out", "seeds.png"),
    "between classes": (
        *("interpolate", "run", "--seeds", "1,5", "--class", "a", "--class", "b", *FILM),
        *("--out", "classes.png"),
    ),
    "mix": ("mix", "run", "--rows", "1", "--columns", "2", "--out", "mixed.png"),
    "draw": ("draw", "run", "seed=1&truncation=1&move=1:2"),
    "directions": ("directions", "run", "--count", "1", "--seeds", "0"),
    "directions by pca": (
        *("directions", "run", "--count", "1", "--seeds", "0", "--method", "pca", "--out", "pca"),
    ),
    "along a direction": (
        *("interpolate", "run", "--seeds", "pca/direction-01.safetensors", *FILM),
        *("--out", "along.png"),
    ),
    "project": ("project", "run", "photo.png", "--steps", "2", "--tries", "4", "--film", ".gif"),
    "finetune": ("finetune", "run", "pictures", "--out", "tuned", "--images", "8"),
    "evaluate": ("evaluate", "run", "--features", "pixelpca64", "--count", "16"),
    "neighbours": ("neighbours", "run", "--count", "8", "--pairs", "2"),
    "report": ("report", "run"),
}


def refusals(preset: str, kind: str) -> dict[str, str]:
    """What cannot be, and the sentence that says so."""
    found = {}
    if kind != "classes":
        found["between classes"] = (
            "error: The class 'a' was asked for, but this run learned no classes."
        )
    if preset not in STYLED:
        found["mix"] = "error: Style mixing needs a generator with styles, and this run's network"
    if preset in ("progressive", "multi-scale"):  # the latent is normalised before it enters
        found["directions"] = "has no linear layer that takes the style directly."
    return found


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics of few pictures and repetitions, and films of few and small frames."""
    monkeypatch.setattr(directions, "PICTURES_DRAWN", 32)
    monkeypatch.setattr(directions, "STYLES_DRAWN", 32)
    monkeypatch.setattr(steered, "SPREAD_DRAWN", 32)
    monkeypatch.setattr(space, "MIDDLE_COUNT", 32)
    monkeypatch.setattr(project, "STILL_FRAMES", 1)
    monkeypatch.setattr(project, "LARGEST_FRAME_PX", 16)
    monkeypatch.setattr(scale, "REPEATS", 2)
    monkeypatch.setattr(pixelwise, "REPEATS", 2)
    monkeypatch.setattr(pixelwise, "PATHS", 10)


@pytest.fixture
def pictures(tmp_path, kind):
    """Forty of 16 px that differ, and a photo."""
    random = np.random.default_rng(0)
    for number in range(40):
        pixels = random.integers(0, 256, (4, 4, CHANNELS[kind]), np.uint8)
        folder = tmp_path / "pictures" / ("ab"[number % 2] if kind == "classes" else "")
        folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(pixels.squeeze()).resize((16, 16), Image.Resampling.NEAREST)
        picture.save(folder / f"{number:02d}.png")
    picture.save(tmp_path / "photo.png")


def arguments(command: str, preset: str, kind: str) -> tuple[str, ...]:
    given = COMMANDS[command]
    if command == "train":
        given = (*given, "--preset", preset, *(LAYERS if preset == "listing" else NARROW))
    if command in ("train", "finetune") and kind == "classes":
        given = (*given, "--conditional")
    return given


@pytest.mark.parametrize("kind", CHANNELS)
@pytest.mark.parametrize("preset", preset_names())
@pytest.mark.usefixtures("small", "pictures")
def test_it_works_or_says_why_not(cli: Any, preset: str, kind: str) -> None:
    """One test for all commands, so that each network is trained once."""
    cannot = refusals(preset, kind)
    for command in COMMANDS:
        result = cli(*arguments(command, preset, kind))
        said = f"{command}: {result.output[-2000:]}"
        assert result.exception is None or isinstance(result.exception, SystemExit), said
        if command not in cannot:
            assert result.exit_code == 0, said
            continue
        assert result.exit_code == 2, said
        error, hint = result.stderr.strip().splitlines()[-2:]
        assert cannot[command] in error
        assert hint.startswith("hint: ")
