"""Everything a training must not lose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ganwerk.errors import CheckpointError
from ganwerk.game.counters import step_seed
from ganwerk.game.optimisers import Optimiser
from ganwerk.game.team import Alone, Team
from ganwerk.nn.ema import Ema
from ganwerk.nn.groups import group_size_of
from ganwerk.nn.types import Batch


class Stateful(Protocol):
    """A part of a recipe with a memory: a replay pool, an adaptive probability.

    measures: what the journal shall say of it, by name.
    """

    def state_dict(self) -> dict[str, Tensor]: ...

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None: ...

    def measures(self) -> dict[str, float]: ...


@runtime_checkable
class Averaged(Protocol):
    """A part whose memory moves within a player's turn, as batch norm's does: see game.team."""

    running: Tensor


@dataclass
class TrainState:
    """Both players, the averaged generator, both optimisers and the counters.

    horizon_images: when the budget will be used up; schedules count on it. born_images: when the
    weights were drawn; 0 unless a run began again. There is no random
    state: everything random follows from (seed, step). rates: the learning rates of G and D that
    the recipe's factors multiply. held_out: batch number i of reals that D never learns from;
    None where there are none. team: who computes which part of a batch.
    """

    g_net: nn.Module
    d_net: nn.Module
    ema: Ema
    g_optimiser: Optimiser
    d_optimiser: Optimiser
    seed: int
    device: torch.device
    horizon_images: float
    step: int = 0
    images: int = 0
    seconds: float = 0.0
    born_images: int = 0
    parts: dict[str, Stateful] = field(default_factory=dict)
    held_out: Callable[[int], Batch] | None = None
    rates: tuple[float, float] = (0.0, 0.0)
    team: Team = Alone()  # noqa: RUF009
    _random: torch.Generator | None = None

    def __post_init__(self) -> None:
        g_rate, d_rate = (o.param_groups[0]["lr"] for o in (self.g_optimiser, self.d_optimiser))
        self.rates = float(g_rate), float(d_rate)

    @property
    def d_group_size(self) -> int:
        """How many samples of a batch D sees together (see nn.types.Discriminator)."""
        return group_size_of(self.d_net)

    @property
    def age_images(self) -> int:
        """Images that these weights have learned from."""
        return self.images - self.born_images

    @property
    def progress(self) -> float:
        """From 0 at the start to 1 when the budget is used up."""
        return min(1.0, self.images / self.horizon_images)

    def random_of_step(self) -> torch.Generator:
        """The generator of all random numbers of the current step."""
        if self._random is None:
            self._random = torch.Generator(self.device)
        return self._random.manual_seed(step_seed(self.seed, self.step))

    def random_of_part(self, part: int) -> torch.Generator:
        """A generator of its own for a part of the batch in the current step."""
        own = step_seed(step_seed(self.seed, self.step), part)
        return torch.Generator(self.device).manual_seed(own)

    def scale_rates(self, factors: Iterable[tuple[float, float]]) -> None:
        """Set both learning rates to their base times all factors for (G, D)."""
        g_rate, d_rate = self.rates
        for g_factor, d_factor in factors:
            g_rate, d_rate = g_rate * g_factor, d_rate * d_factor
        for optimiser, rate in ((self.g_optimiser, g_rate), (self.d_optimiser, d_rate)):
            for group in optimiser.param_groups:
                group["lr"] = rate

    def advance(self, images: int) -> None:
        """A step is done: move the average and the counters."""
        self.images += images
        self.step += 1
        self.ema.update(self.g_net, self.age_images, images)

    def weights(self) -> dict[str, Tensor]:
        """The averaged generator: all that sampling needs."""
        return dict(self.ema.net.state_dict())

    def tensors(self) -> dict[str, Tensor]:
        """Everything else, flat, by dotted name."""
        flat = {f"g.{k}": v for k, v in self.g_net.state_dict().items()}
        flat |= {f"d.{k}": v for k, v in self.d_net.state_dict().items()}
        flat |= _moments("g_optimiser", self.g_net, self.g_optimiser)
        flat |= _moments("d_optimiser", self.d_net, self.d_optimiser)
        for name, part in self.parts.items():
            flat |= {f"part.{name}.{k}": v for k, v in part.state_dict().items()}
        return flat

    def counters(self) -> dict[str, float]:
        return {
            "step": self.step,
            "images": self.images,
            "seconds": self.seconds,
            "horizon_images": self.horizon_images,
            **({"born_images": self.born_images} if self.born_images else {}),
        }

    def load(
        self,
        weights: Mapping[str, Tensor],
        tensors: Mapping[str, Tensor],
        counters: Mapping[str, float],
    ) -> None:
        """The inverse of weights(), tensors() and counters().

        Raises CheckpointError if a tensor is missing or has another shape.
        """
        try:
            self.ema.net.load_state_dict(dict(weights))
            self.g_net.load_state_dict(_under(tensors, "g."))
            self.d_net.load_state_dict(_under(tensors, "d."))
        except RuntimeError as error:
            raise CheckpointError(
                f"The checkpoint does not fit the networks of this run: {error}",
                "Its settings or its files were changed by hand; take them from a copy.",
            ) from error
        _load_moments(_under(tensors, "g_optimiser."), self.g_net, self.g_optimiser)
        _load_moments(_under(tensors, "d_optimiser."), self.d_net, self.d_optimiser)
        for name, part in self.parts.items():
            part.load_state_dict(_under(tensors, f"part.{name}."))
        self.count_from(counters)

    def count_from(self, counters: Mapping[str, float]) -> None:
        """The inverse of counters()."""
        self.step, self.images = int(counters["step"]), int(counters["images"])
        self.seconds = float(counters["seconds"])
        self.horizon_images = float(counters["horizon_images"])
        self.born_images = int(counters.get("born_images", 0))


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _moments(name: str, net: nn.Module, optimiser: Optimiser) -> dict[str, Tensor]:
    """An optimiser's state by parameter name instead of by position."""
    return {
        f"{name}.{parameter_name}/{key}": value
        for parameter_name, parameter in net.named_parameters()
        for key, value in optimiser.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def _load_moments(saved: Mapping[str, Tensor], net: nn.Module, optimiser: Optimiser) -> None:
    parameters = dict(net.named_parameters())
    optimiser.state.clear()
    for full_name, value in saved.items():
        name, key = full_name.rsplit("/", 1)
        parameter = parameters[name]
        if key == "step":
            # torch's own optimisers count their steps in the computer's memory, ours does not
            own = isinstance(optimiser, torch.optim.Optimizer)
            kept = value.clone() if own else value.to(parameter.device, copy=True)
        else:  # in the parameter's layout, which fused kernels take for granted
            kept = torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
        optimiser.state.setdefault(parameter, {})[key] = kept
