"""What a game in the laboratory is played with; its remedies come from a method."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GameSetting:
    """What every experiment has. source: the paper the numbers are from.

    average_images: half-life of the averaged generator, 0 for none; it is what is judged.
    decay, hold, floor: of the learning rates, as in `[schedule]`.
    """

    problem: str
    source: str
    steps: int
    batch: int
    latent_dim: int
    latent: str = "gaussian"
    loss: str = "non-saturating"
    optimiser: str = "adam"
    g_rate: float = 1e-3
    d_rate: float = 1e-3
    beta1: float = 0.5
    beta2: float = 0.999
    d_steps: int = 1
    g_steps: int = 1
    reuse_fakes: bool = True
    average_images: float = 0.0
    decay: str = "constant"
    hold: float = 0.0
    floor: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSetting(GameSetting):
    """A game with points, played by perceptrons. problem: a mixture's name.

    d_scale: what D's input is multiplied by. gain: of orthogonal first weights.
    """

    g_widths: tuple[int, ...] = (128, 128)
    d_widths: tuple[int, ...] = (128, 128)
    g_activation: str = "relu"
    d_activation: str = "relu"
    g_norm: bool = False
    d_scale: float = 1.0
    init: str = "orthogonal"
    gain: float = 1.0
