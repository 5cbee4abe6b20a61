"""Numbers that no memory holds and budgets that never end are refused before anything is made."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganwerk import checks
from ganwerk.config import build, load
from ganwerk.config.load import preset_names
from ganwerk.errors import ConfigError, MachineError
from ganwerk.runtime import memory
from ganwerk.training import footprint, probe
from ganwerk.training.prepare import Request, first_budget
from ganwerk.training.train import plan
from ganwerk.values import MachineFacts

GIB = 2**30
FACTS = MachineFacts("cpu", "some cpu", 2, 8 * GIB, 4 * GIB)
SIZES = ("latent.dim", "network.generator_width", "network.discriminator_width")


def settings_of(preset: str = "auto", **changes: Any) -> Any:
    """Of 16 px, as they would be decided, with changes ('latent__dim')."""
    from ganwerk.config import auto
    from ganwerk.values import DataFacts, PictureShape

    flags = {"data.resolution": 16, "budget.images": 64, "data.where": "x"}
    flags |= {key.replace("__", "."): value for key, value in changes.items()}
    draft = load.collect(preset=preset, flags={key: (v, key) for key, v in flags.items()})
    auto.decide(draft, DataFacts(100, PictureShape(16, 3)), FACTS)
    return load.settle(draft)


@pytest.mark.parametrize("preset", preset_names())
def test_weights_are_counted_without_any(preset: str) -> None:
    settings = settings_of(preset)
    nets = build.players(settings, 0, torch.device("cpu"))
    made = tuple(sum(p.numel() for p in net.parameters()) for net in nets)
    assert build.weight_counts(settings, 0) == made


@pytest.mark.parametrize("size", [10**6, 10**9])
@pytest.mark.parametrize("key", SIZES)
@pytest.mark.parametrize("kind", ["dcgan", "resnet", "r3", "style", "progressive", "multi-scale"])
def test_networks_that_no_memory_holds(
    kind: str, key: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe.build, "state", lambda *_: pytest.fail("memory was taken"))
    wide = {"network.max_width": size} if "width" in key else {}
    settings = settings_of(**{"network.kind": kind, key: size} | wide)
    with pytest.raises(MachineError, match=r"more weights than|take about [\d.]+ [GT]B") as caught:
        probe.probe(settings, 0, replace(FACTS, free_memory_bytes=GIB))
    assert f"= {size}: --set" in caught.value.hint


@pytest.mark.parametrize("widths", [(10**9,), (10**9, 10**9), (10**6, 10**6)])
def test_perceptrons_that_no_memory_holds(widths: tuple[int, ...]) -> None:
    settings = settings_of(**{"network.kind": "mlp", "network.generator_widths": list(widths)})
    with pytest.raises(MachineError, match=r"of memory; 4\.3 GB are free"):
        memory.require_for_weights(settings, 0, 4 * GIB)


@pytest.mark.parametrize(
    "change",
    [
        {"budget.minutes": 1e308}, {"budget.epochs": 1e308}, {"budget.images": 10**400},
        {"budget.batch": 10**20}, {"latent.dim": 10**20}, {"network.generator_width": 0},
        {"network.kind": "resnet", "network.generator_blocks": 10**9}, {"game.d_steps": 10**9},
        {"run.checkpoint_minutes": 1e308}, {"run.keep_checkpoints": 10**20},
        {"data.resolution": 10**9}, {"data.resolution": -1}, {"data.memory_mb": 10**400},
        {"optimiser.generator_rate": math.nan}, {"average.ramp": math.inf},
        {"average.half_life_images": math.inf}, {"run.picture_seconds": math.inf},
        {"run.checkpoint_minutes": math.nan}, {"budget.minutes": math.nan},
    ],
    ids=lambda change: " ".join(change),
)  # fmt: skip
def test_settings_have_bounds(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        load.collect(flags={key: (value, "asked") for key, value in change.items()})
    assert "cannot be" in caught.value.message
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    "text", ["1" * 5000, f"[{'1' * 5000}]", "1e999", "-inf", f"0x{'f' * 99}"], ids=lambda t: t[:9]
)
def test_endless_digits_are_no_defect(text: str) -> None:
    with pytest.raises(ConfigError, match=r"budget\.batch cannot be"):
        load.collect(sets=[f"budget.batch={text}"])
    with pytest.raises(ConfigError, match="cannot be"):
        load.collect(remedies=[f"unrolled:steps={text}"])


@pytest.mark.parametrize(
    ("kind", "most"),
    [("minutes", checks.MOST_MINUTES), ("images", checks.MOST_IMAGES),
     ("epochs", checks.MOST_EPOCHS)],
)  # fmt: skip
def test_the_largest_budgets_can_be_counted(kind: str, most: int) -> None:
    settings = settings_of()
    limits = dict.fromkeys(("minutes", "images", "epochs")) | {kind: most}
    settings = settings.model_copy(update={"budget": settings.budget.model_copy(update=limits)})
    budget = first_budget(settings, 10**6)
    assert int(budget.horizon_images(0, 0.0, 1e6)) > 0


@given(st.integers(2, 1_000_000))
def test_divisors(number: int) -> None:
    found = footprint.divisors(number)
    assert found == sorted(set(found), reverse=True)
    assert all(number % n == 0 and n < number for n in found)
    assert 1 in found


@pytest.mark.parametrize("batch", [2**19, 999_983, 1_000_000])  # the second is a prime
def test_a_part_of_any_batch_is_found_or_refused_at_once(batch: int) -> None:
    settings = settings_of(**{"network.generator_norm": "none", "network.discriminator_norm":
                              "none", "budget.batch": batch, "network.generator_width": 4,
                              "network.discriminator_width": 4})  # fmt: skip
    state = build.state(settings, 0, torch.device("cpu"), 1e9)
    held = batch * footprint.picture_bytes(settings)
    with pytest.raises(MachineError, match=f"with batch {batch} needs about"):
        footprint.fitting_micro_batch(state, settings, held // 2)  # not even the pictures fit
    if batch != 999_983:
        micro, needed = footprint.fitting_micro_batch(state, settings, held + 64 * 2**20)
        assert batch % micro == 0
        assert needed <= held + 64 * 2**20


def test_sixteen_pictures_and_a_batch_of_thousands(tmp_path: Any) -> None:
    for number in range(16):
        pixels = np.random.default_rng(number).integers(0, 255, (20, 20, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    flags = {"budget.batch": (4096, "--batch 4096"), "data.resolution": (16, "--resolution 16")}
    with pytest.raises(ConfigError, match=r"each of the 13 pictures .* 315 times") as caught:
        plan(Request(str(tmp_path), flags=flags))
    assert "--batch 13" in caught.value.hint


def test_what_needs_more_memory_than_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.machine, "facts", lambda _: replace(FACTS, free_memory_bytes=GIB))
    memory.require(GIB, "Pictures", "Fewer.")
    with pytest.raises(MachineError, match=r"Pictures take about 1\.1 GB of memory, and 1\.1 GB"):
        memory.require(GIB + 1, "Pictures", "Fewer.")
