"""The losses of the two players: pure functions of the logits, one value per sample.

Shape legend: real_logits, fake_logits (B,) float; every function returns (B,). Both players
minimise. `value` is V(D, G) in the convention of the loss's own paper and `value_at_equilibrium`
what it is when neither player can gain; `at_equilibrium` are the losses there (D's, G's).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

PerSample = Callable[[Tensor, Tensor], Tensor]
softplus = F.softplus
LN2 = math.log(2)


@dataclass(frozen=True, slots=True)
class Loss:
    """A pair of loss functions of (real_logits, fake_logits).

    paired: G's side needs D's logits for reals (relativistic losses).
    probabilistic: sigmoid(logit) estimates the probability that a picture is real.
    boundary: the logit at which D is undecided; None where only differences of logits count.
    """

    name: str
    discriminator: PerSample
    generator: PerSample
    value: PerSample
    value_at_equilibrium: float
    at_equilibrium: tuple[float, float]
    paper: str
    paired: bool = False
    probabilistic: bool = True
    boundary: float | None = 0.0


def _classify(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(x) - log(1 - D(G(z))) with D = sigmoid(logit)."""
    return softplus(-real) + softplus(fake)


def _log_value(real: Tensor, fake: Tensor) -> Tensor:
    """log D(x) + log(1 - D(G(z))). Goodfellow et al. 2014, equation 1."""
    return -_classify(real, fake)


MINIMAX = Loss(
    "minimax",
    discriminator=_classify,
    generator=lambda real, fake: -softplus(fake),
    value=_log_value,
    value_at_equilibrium=-2 * LN2,
    at_equilibrium=(2 * LN2, -LN2),
    paper="Goodfellow et al. 2014, Generative adversarial nets, equation 1",
)

NON_SATURATING = Loss(
    "non-saturating",
    discriminator=_classify,
    generator=lambda real, fake: softplus(-fake),
    value=_log_value,
    value_at_equilibrium=-2 * LN2,
    at_equilibrium=(2 * LN2, LN2),
    paper="Goodfellow et al. 2014, Generative adversarial nets, section 3",
)

LEAST_SQUARES = Loss(
    "least-squares",
    discriminator=lambda real, fake: 0.5 * ((real - 1).square() + fake.square()),
    generator=lambda real, fake: 0.5 * (fake - 1).square(),
    value=lambda real, fake: 0.5 * ((real - 1).square() + fake.square()),
    value_at_equilibrium=0.25,
    at_equilibrium=(0.25, 0.125),
    paper="Mao et al. 2017, Least squares GANs, equation 9",
    probabilistic=False,
    boundary=0.5,
)

WASSERSTEIN = Loss(
    "wasserstein",
    discriminator=lambda real, fake: fake - real,
    generator=lambda real, fake: -fake,
    value=lambda real, fake: real - fake,
    value_at_equilibrium=0.0,
    at_equilibrium=(0.0, 0.0),
    paper="Arjovsky et al. 2017, Wasserstein GAN, equation 2",
    probabilistic=False,
    boundary=None,
)

HINGE = Loss(
    "hinge",
    discriminator=lambda real, fake: F.relu(1 - real) + F.relu(1 + fake),
    generator=lambda real, fake: -fake,
    value=lambda real, fake: -F.relu(1 - real) - F.relu(1 + fake),
    value_at_equilibrium=-2.0,
    at_equilibrium=(2.0, 0.0),
    paper="Lim and Ye 2017, Geometric GAN; Miyato et al. 2018, equations 16 and 17",
    probabilistic=False,
)

RELATIVISTIC = Loss(
    "relativistic",
    discriminator=lambda real, fake: softplus(fake - real),
    generator=lambda real, fake: softplus(real - fake),
    value=lambda real, fake: -softplus(fake - real),
    value_at_equilibrium=-LN2,
    at_equilibrium=(LN2, LN2),
    paper="Jolicoeur-Martineau 2019, The relativistic discriminator; Huang et al. 2024, R3GAN",
    paired=True,
    probabilistic=False,
    boundary=None,
)

LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (MINIMAX, NON_SATURATING, LEAST_SQUARES, WASSERSTEIN, HINGE, RELATIVISTIC)
}
