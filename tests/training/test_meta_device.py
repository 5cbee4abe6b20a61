"""A card that nobody had: whole steps of every preset and remedy on torch's `meta` device, which
has shapes and no numbers.

There a tensor that was made on the wrong device is an error, and so is every look at a number,
which on a card would make the processor wait for it. What is seen this way is where tensors are;
not whether a kernel exists, nor what it computes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ganwerk.config import auto, build, load
from ganwerk.config.load import preset_names
from ganwerk.config.remedies import REMEDIES
from ganwerk.config.schema import Settings
from ganwerk.game.state import TrainState
from ganwerk.game.step import train_step
from ganwerk.nn.types import Batch
from ganwerk.values import DataFacts, MachineFacts, PictureShape
from tests.runs import COMMON, SMALL, TINY

META = torch.device("meta")
STEPS = 3
MOVING = ("_to_copy", "copy_", "lift_fresh", "detach")
"""Operations that bring numbers from the processor to the device, which takes no look at them."""


class OneDevice(TorchDispatchMode):
    """Fails where an operation on the device also takes more than one number of the processor."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensors = [x for x in tree_leaves((args, kwargs or {})) if isinstance(x, torch.Tensor)]
        on_device = [x for x in tensors if x.device.type == "meta"]
        strangers = [x for x in tensors if x.device.type == "cpu" and x.dim()]
        moving = str(func).split(".")[1] in MOVING
        assert moving or not (on_device and strangers), f"{func} takes tensors of two devices"
        return func(*args, **(kwargs or {}))


class Generator(torch.Generator):
    """Of the processor, which says that it is of the device asked for."""

    asked: torch.device

    def __new__(cls, device: torch.device | str = "cpu") -> Generator:
        made = super().__new__(cls, "cpu")
        made.asked = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        return self.asked


@pytest.fixture(autouse=True)
def random_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no generator of the meta device; one of the processor draws nothing there."""
    monkeypatch.setattr(torch, "Generator", Generator)


def settings_of(preset: str | None, remedies: tuple[str, ...] = (), **more: Any) -> Settings:
    flags = {**(TINY if preset in (None, "auto") else SMALL.get(preset, {}) | COMMON), **more}
    draft = load.collect(
        preset=preset, remedies=remedies, flags={key: (value, key) for key, value in flags.items()}
    )
    facts = DataFacts(500, PictureShape(16, 3), ("a", "b"), (250, 250), True, "they are alike")
    auto.decide(draft, facts, MachineFacts("cpu", "a processor", 2, 2**33, 2**33))
    draft.default("data.where", "nowhere", "for a test")
    return load.settle(draft)


def played(settings: Settings, steps: int = STEPS) -> TrainState:
    """Some steps, with every penalty due in the first."""
    recipe = build.recipe(settings)
    state = build.state(settings, 2, META, 10_000, recipe)
    side, channels, batch = (
        settings.data.resolution, settings.data.channels, settings.budget.batch,
    )  # fmt: skip
    labels = torch.zeros(batch, dtype=torch.int64, device=META)
    images = torch.empty(batch, channels, side, side, device=META)
    known = Batch(images, labels if settings.data.conditional else None)
    state.held_out = lambda _: known
    with OneDevice():
        for _ in range(steps):
            train_step(state, lambda _: known, recipe)
    return state


def tensors_of(state: TrainState) -> Iterator[tuple[str, torch.Tensor]]:
    yield from state.tensors().items()
    yield from state.weights().items()


@pytest.mark.parametrize("preset", [*preset_names()])
def test_steps_of_every_preset(preset: str) -> None:
    state = played(settings_of(preset))
    assert state.step == STEPS
    elsewhere = {name for name, x in tensors_of(state) if x.device != META and x.dim()}
    assert elsewhere == set()  # levels of growth are single numbers


LOOKING = {"skip": "whose turn it is follows from the losses", "unrolled": "Adam's count of steps"}
"""Remedies that look at a number in each step, and at which: on a card the processor waits."""


@pytest.mark.parametrize("remedy", [*LOOKING])
def test_remedies_that_look_at_a_number(remedy: str) -> None:
    with pytest.raises((RuntimeError, NotImplementedError), match="meta tensor"):
        played(settings_of(None, (remedy,)))


@pytest.mark.parametrize("remedy", [name for name in REMEDIES if name not in LOOKING])
def test_steps_of_every_remedy(remedy: str) -> None:
    more = {"game.loss": "non-saturating"} if remedy.startswith("label") else {}
    if remedy == "packing":
        more["data.conditional"] = False
    state = played(settings_of(None, (remedy,), **more))
    assert state.step == STEPS


def test_a_stranger_is_noticed() -> None:
    with OneDevice(), pytest.raises(AssertionError, match="two devices"):
        torch.empty(2, 3, device=META) @ torch.ones(3, 2)
    with OneDevice(), pytest.raises(RuntimeError, match="meta"):
        torch.empty(2, device=META).sum().item()
