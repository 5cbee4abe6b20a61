"""Where each loss stands when neither player can gain. No torch: reports and pages show it."""

from __future__ import annotations

import math
from typing import NamedTuple

LN2 = math.log(2)


class Equilibrium(NamedTuple):
    """Losses of both players and the value of the game, in the convention of the loss's own paper.

    probabilistic: sigmoid(logit) estimates the probability that a picture is real, so that D is
    undecided at 0."""

    d: float
    g: float
    value: float
    probabilistic: bool = False


EQUILIBRIA = {
    "minimax": Equilibrium(2 * LN2, -LN2, -2 * LN2, probabilistic=True),
    "non-saturating": Equilibrium(2 * LN2, LN2, -2 * LN2, probabilistic=True),
    "least-squares": Equilibrium(0.25, 0.125, 0.25),
    "wasserstein": Equilibrium(0.0, 0.0, 0.0),
    "hinge": Equilibrium(2.0, 0.0, -2.0),
    "relativistic": Equilibrium(LN2, LN2, -LN2),
}
"""By the name of the loss."""
