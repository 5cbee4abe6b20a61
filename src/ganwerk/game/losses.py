"""The losses of the two players: pure functions of the logits, one value per sample.

Shape legend: real_logits, fake_logits (B,) float; every function returns (B,). Both players
minimise. `value` is V(D, G) in the convention of the loss's own paper.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from ganwerk.game.equilibrium import EQUILIBRIA

PerSample = Callable[[Tensor, Tensor], Tensor]
softplus = F.softplus


@dataclass(frozen=True, slots=True)
class Loss:
    """A pair of loss functions of (real_logits, fake_logits).

    paired: G's side needs D's logits for reals (relativistic losses).
    boundary: the logit at which D is undecided; None where only differences of logits count.
    """

    name: str
    discriminator: PerSample
    generator: PerSample
    value: PerSample
    paper: str
    paired: bool = False
    boundary: float | None = 0.0

    @property
    def at_equilibrium(self) -> tuple[float, float]:
        """The losses of D and G when neither can gain."""
        return EQUILIBRIA[self.name][:2]

    @property
    def value_at_equilibrium(self) -> float:
        return EQUILIBRIA[self.name].value

    @property
    def probabilistic(self) -> bool:
        """Whether sigmoid(logit) estimates the probability that a picture is real."""
        return EQUILIBRIA[self.name].probabilistic


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
    paper="Goodfellow et al. 2014, Generative adversarial nets, equation 1",
)

NON_SATURATING = Loss(
    "non-saturating",
    discriminator=_classify,
    generator=lambda real, fake: softplus(-fake),
    value=_log_value,
    paper="Goodfellow et al. 2014, Generative adversarial nets, section 3",
)

LEAST_SQUARES = Loss(
    "least-squares",
    discriminator=lambda real, fake: 0.5 * ((real - 1).square() + fake.square()),
    generator=lambda real, fake: 0.5 * (fake - 1).square(),
    value=lambda real, fake: 0.5 * ((real - 1).square() + fake.square()),
    paper="Mao et al. 2017, Least squares GANs, equation 9",
    boundary=0.5,
)

WASSERSTEIN = Loss(
    "wasserstein",
    discriminator=lambda real, fake: fake - real,
    generator=lambda real, fake: -fake,
    value=lambda real, fake: real - fake,
    paper="Arjovsky et al. 2017, Wasserstein GAN, equation 2",
    boundary=None,
)

HINGE = Loss(
    "hinge",
    discriminator=lambda real, fake: F.relu(1 - real) + F.relu(1 + fake),
    generator=lambda real, fake: -fake,
    value=lambda real, fake: -F.relu(1 - real) - F.relu(1 + fake),
    paper="Lim and Ye 2017, Geometric GAN; Miyato et al. 2018, equations 16 and 17",
)

RELATIVISTIC = Loss(
    "relativistic",
    discriminator=lambda real, fake: softplus(fake - real),
    generator=lambda real, fake: softplus(real - fake),
    value=lambda real, fake: -softplus(fake - real),
    paper="Jolicoeur-Martineau 2019, The relativistic discriminator; Huang et al. 2024, R3GAN",
    paired=True,
    boundary=None,
)

LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (MINIMAX, NON_SATURATING, LEAST_SQUARES, WASSERSTEIN, HINGE, RELATIVISTIC)
}
