"""What a game in the laboratory is played with; its remedies come from a method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import Field

from ganwerk.errors import ConfigError, did_you_mean

Positive = Annotated[int, Field(gt=0, le=1_000_000)]
Steps = Annotated[int, Field(gt=0, le=1_000_000_000)]
PerStep = Annotated[int, Field(gt=0, le=1000)]
Share = Annotated[float, Field(ge=0, le=1)]
BelowOne = Annotated[float, Field(ge=0, lt=1)]
Above0 = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Widths = Annotated[tuple[Positive, ...], Field(min_length=1)]
FIXED = ("problem", "source", "data_root")
"""Fields that say what is played; no method changes them."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class GameSetting:
    """What every experiment has. source: the paper the numbers are from.

    average_images: half-life of the averaged generator, 0 for none; it is what is judged.
    decay, hold, floor: of the learning rates, as in `[schedule]`.
    """

    problem: str
    source: str
    steps: Steps
    batch: Annotated[int, Field(ge=2, le=1_000_000)]
    latent_dim: Positive
    latent: str = "gaussian"
    loss: str = "non-saturating"
    optimiser: str = "adam"
    g_rate: Above0 = 1e-3
    d_rate: Above0 = 1e-3
    beta1: BelowOne = 0.5
    beta2: BelowOne = 0.999
    d_steps: PerStep = 1
    g_steps: PerStep = 1
    reuse_fakes: bool = True
    average_images: NotNegative = 0.0
    decay: str = "constant"
    hold: BelowOne = 0.0
    floor: Share = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSetting(GameSetting):
    """A game with points, played by perceptrons. problem: a mixture's name.

    d_scale: what D's input is multiplied by. gain: of orthogonal first weights.
    """

    g_widths: Widths = (128, 128)
    d_widths: Widths = (128, 128)
    g_activation: str = "relu"
    d_activation: str = "relu"
    g_norm: bool = False
    d_scale: Above0 = 1.0
    init: str = "orthogonal"
    gain: Above0 = 1.0


def known(table: Mapping[str, T], what: str, name: str) -> T:
    """What the table has by this name. Raises ConfigError."""
    if name not in table:
        raise ConfigError(f"There is no {what} '{name}'.", did_you_mean(name, table))
    return table[name]
