"""Exports and sites of tiny generators, without a training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import safetensors.numpy

from ganwerk.publish.export import KIND
from ganwerk.publish.exported import CARD, SPACE
from ganwerk.publish.folder import replace_folder
from ganwerk.publish.graphs import written
from ganwerk.publish.space import described
from ganwerk.run.files import to_json
from ganwerk.sampling.sample import Sampler

CARD_TEXT = (
    "# Tiny\n\nNever trained, <b>not</b> even once.\n\n## Licence\n\n- anyone\n- anything\n\n"
    "| measure | here | real |\n|---|---|---|\n| FD | 3 | 1 |\n"
)


def directions_of(folder: Path, size: int, layers: list[int], count: int = 2) -> None:
    """What `ganwerk directions` would leave in a run."""
    random = np.random.default_rng(0)
    vectors = random.standard_normal((count, size)).astype(np.float32)
    tensors = {
        "vectors": vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        "spreads": np.linspace(1, 0.5, count, dtype=np.float32),
    }
    folder.mkdir(parents=True)
    (folder / "directions.safetensors").write_bytes(safetensors.numpy.save(tensors))
    about = {"layers": [layer + 1 for layer in layers], "strength": 3.0}
    (folder / "directions.json").write_text(json.dumps(about))


def export_of(sampler: Sampler, folder: Path, *, moved: bool = False, half: bool = False) -> Path:
    """An export, float32 unless `half`, with two directions if `moved`."""
    run = folder.with_name(f"{folder.name}-run")
    if moved:
        space = sampler.space
        directions_of(run / "directions", space.size, list(range(space.layers)))
    files, _ = written(sampler, half)
    sizes = {name: len(content) for name, content in files.items()}
    about = described(sampler, run, "Tiny", half, sizes)
    replace_folder(folder, KIND, {**files, SPACE: to_json(about), CARD: CARD_TEXT.encode()})
    return folder
