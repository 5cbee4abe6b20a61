"""The losses of the first closures of style transfers: drawn pictures, the shipped backbone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch

from ganwerk.style.calibration import dead_leaves
from ganwerk.style.recipe import recipe_of
from ganwerk.stylisation.job import Request, job_of
from ganwerk.stylisation.pictures import to_pixels
from ganwerk.stylisation.precision import PRECISIONS
from ganwerk.stylisation.transfer import Machinery, Transfer

LAYERS = {"content_layers": ("relu2_1",), "style_layers": ("relu1_1", "relu2_1", "relu3_1")}
SMALL: dict[str, Any] = {"size_px": 48, "smallest_px": 0, "steps": 6} | LAYERS

CASES: dict[str, dict[str, Any]] = {
    "default": {"size_px": 64, "smallest_px": 32, "steps": 4} | LAYERS,
    "gram-lbfgs": SMALL | {"statistic": "gram", "optimiser": "lbfgs"},
    "sliced": SMALL | {"statistic": "sliced", "start": "noise"},
    "gradient": SMALL | {"optimiser": "gradient"},
    "random": SMALL | {"backbone": "compact-random", "colours": "keep"},
    "neural-style": SMALL | {"preset": "neural-style", "backbone": "compact"},
    "tensorflow": SMALL | {"preset": "tensorflow", "backbone": "compact"},
}
COLUMNS = ("total", "content", "style", "strokes", "variation")


def trace(case: str) -> list[list[float]]:
    """One row of COLUMNS per closure. The encoder computes in torch's default type, too."""
    kind = torch.get_default_dtype()
    photo, painting = dead_leaves(1, 64, 60)[..., :48, :], dead_leaves(2, 72, 200)
    job = job_of(Request(to_pixels(photo), [(to_pixels(painting), 1.0)], recipe_of(**CASES[case])))
    job = replace(job, weights={name: tensor.to(kind) for name, tensor in job.weights.items()})
    points = []
    with patch.dict(PRECISIONS, float32=kind):
        transfer = Transfer(job, Machinery("cpu", "float32"))
        while not transfer.finished:
            points.append(transfer.advance())
    return [[getattr(point, name) for name in COLUMNS] for point in points]
