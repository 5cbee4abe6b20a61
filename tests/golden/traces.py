"""The losses of the first closures of style transfers, as they have been.

Drawn pictures, the shipped backbone, float32, one thread. `make golden` writes them anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from ganwerk.style.calibration import dead_leaves
from ganwerk.style.recipe import recipe_of
from ganwerk.stylisation.job import Options, Request
from ganwerk.stylisation.pictures import to_pixels
from ganwerk.stylisation.verb import stylise_file

PATH = Path(__file__).parent / "style.json"
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
    """One row of COLUMNS per closure."""
    photo, painting = dead_leaves(1, 64, 60)[..., :48, :], dead_leaves(2, 72, 200)
    request = Request(to_pixels(photo), [(to_pixels(painting), 1.0)], recipe_of(**CASES[case]))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        done = stylise_file(request, None, Options(device="cpu", precision="float32", tile_px=0))
    finally:
        torch.set_num_threads(before)
    return [[getattr(point, name) for name in COLUMNS] for point in done.trace]


def recorded() -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = json.loads(PATH.read_text())
    return found


def write() -> None:
    lines = []
    for case in CASES:
        rounded = [[float(f"{value:.7g}") for value in row] for row in trace(case)]
        lines.append(f'"{case}": {json.dumps(rounded)}')
        print(case, rounded[-1])
    PATH.write_text("{" + ",\n ".join(lines) + "}\n")
