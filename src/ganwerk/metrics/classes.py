"""The Inception score: clear pictures of many classes. Only for logits of the Inception network."""

from __future__ import annotations

import math

import torch

from ganwerk.errors import DataError
from ganwerk.metrics.inputs import Array, Estimate, matrix

SPLITS = 10


def inception_score(logits: Array, *, splits: int = SPLITS, seed: int | None = 2020) -> Estimate:
    """exp E KL(p(y|x) || p(y)) of logits (N, classes): the mean over `splits` parts, and its error.

    Salimans et al. 2016, Improved techniques for training GANs, section 4. seed: shuffles first, as
    torch-fidelity does by default; None leaves the order. It compares with nothing real, is highest
    for one perfect picture per class, and means little for pictures unlike ImageNet.
    Raises DataError for fewer pictures than splits; and as `inputs.matrix`.
    """
    x = matrix(logits, "logits", least=max(splits, 2)).double()
    if splits < 1:
        raise DataError(f"{splits} parts are not possible.", "Choose 1 or more; 10 is usual.")
    if seed is not None:
        import numpy as np

        # numpy's old generator on purpose: the published order
        x = x[torch.from_numpy(np.random.RandomState(seed).permutation(len(x)))]
    scores = []
    for i in range(splits):
        logs = x[i * len(x) // splits : (i + 1) * len(x) // splits].log_softmax(1)
        shares = logs.exp()
        middle = shares.mean(0, keepdim=True).log()
        scores.append(float((shares * (logs - middle)).sum(1).mean().exp()))
    values = torch.tensor(scores, dtype=torch.float64)
    error = float(values.std() / math.sqrt(splits)) if splits > 1 else 0.0
    return Estimate(float(values.mean()), error)
