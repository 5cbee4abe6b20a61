"""FID, KID and Inception score, with the names and the numbers of the literature.

Nothing else in ganwerk carries these names. All three are computed by torch-fidelity itself, from
features of its own network.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ganwerk.evaluation.extractors import ExtractorOptions, Pixels
from ganwerk.metrics.features.fidelity import Inception, version
from ganwerk.metrics.record import FEW_FOR_FRECHET, Protocol, Record

__all__ = ["Inception", "records"]

SUBSETS, SIZE, SPLITS = 100, 1000, 10


def records(
    extractor: Inception, base: Protocol, real: Tensor, fake: Tensor, pictures: Pixels,
    wishes: ExtractorOptions,
) -> list[Record]:  # fmt: skip
    """What torch-fidelity says of features (N, 2048) and (M, 2048) and the drawn pictures."""
    from torch_fidelity.metric_fid import (
        KEY_METRIC_FID,
        fid_features_to_statistics,
        fid_statistics_to_metric,
    )
    from torch_fidelity.metric_isc import isc_features_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric

    protocol = replace(
        base, extractor=extractor.name, weights=extractor.weights, resize=extractor.resize,
        versions={**base.versions, "torch-fidelity": version()},
    )  # fmt: skip
    moments = [fid_features_to_statistics(x) for x in (real, fake)]
    fid = fid_statistics_to_metric(*moments, verbose=False)[KEY_METRIC_FID]
    n = min(len(real), len(fake))
    few = n < FEW_FOR_FRECHET
    biased = (
        f"From {n:,} pictures this is biased upwards and compares with no published FID: those "
        "take 10,000 to 50,000.",
    )
    found = [
        Record(
            f"FID@{n}" if few else "FID", float(fid), None, "lower",
            replace(protocol, metric="FID"), notes=biased if few else (),
        )
    ]  # fmt: skip
    size = min(SIZE, n)
    kid = kid_features_to_metric(
        real, fake, kid_subsets=SUBSETS, kid_subset_size=size, verbose=False
    )
    options = {"subsets": SUBSETS, "size": size}
    found.append(
        Record(
            "KID", kid["kernel_inception_distance_mean"], None, "lower",
            replace(protocol, metric="KID", options=options),
            notes=(f"Deviation over subsets {kid['kernel_inception_distance_std']:.2g}, which is "
                   "no standard error.",),
        )
    )  # fmt: skip
    score = isc_features_to_metric(_logits(extractor, pictures), splits=SPLITS)
    error = score["inception_score_std"] / np.sqrt(SPLITS - 1)
    found.append(
        Record(
            "IS", score["inception_score_mean"], float(error), "higher",
            replace(protocol, metric="IS", n_real=0, options={"splits": SPLITS}),
        )
    )  # fmt: skip
    return found


@torch.inference_mode()
def _logits(extractor: Inception, pictures: Pixels) -> Tensor:
    parts = torch.from_numpy(pictures).split(50)
    return torch.cat([extractor.logits(part.float()) for part in parts])
