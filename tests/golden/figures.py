"""Figures that depend on the code alone: not on instruction sets, libraries' kernels or threads.

Everything is computed in float64 by making it torch's default type: weights, moments, penalties,
latents, noise, pictures, features. Rounding then differs by 1e-16 a number instead of 6e-8, and
what grows out of it in a few steps stays far below what a change of code does.

What differs between instruction sets (torch 2.15, ATEN_CPU_CAPABILITY=default against avx2; avx2
and avx512 gave the same bits):
- `randn` and `normal_` of 16 and more float32 numbers: another logarithm and cosine, so another
  last bit. In float64, and for fewer numbers, the bits are the same.
- sums, products, convolutions, exp, log, tanh: the last bits, in every type.
- `rand`, `uniform_`, `randint`, `randperm`, `bernoulli_`, `multinomial`: never.
In float32 a difference of the last bit can become one of a tenth of a step: where a gradient is
zero but for rounding, Adam divides it by its own size.

`python -m tests.golden.figures STEPS` prints all as JSON, so many steps of each curve.
`make golden` writes them anew: say in the commit why they moved.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ganwerk.config.load import preset_names
from tests.golden.curves import STEPS, curve
from tests.golden.traces import CASES, trace

Rows = list[list[float]]
FOLDER = Path(__file__).parent
DIGITS = 12


@contextmanager
def in_float64() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def curves(steps: int = STEPS) -> dict[str, Rows]:
    """Preset to [loss of D, loss of G] of the first steps."""
    with in_float64():
        return {preset: curve(preset, steps) for preset in preset_names()}


def traces() -> dict[str, Rows]:
    """Case of `traces.CASES` to the losses of the first closures."""
    with in_float64():
        return {case: trace(case) for case in CASES}


FIGURES = {"curves": curves, "traces": traces}


def recorded(kind: str) -> dict[str, Rows]:
    found: dict[str, Rows] = json.loads((FOLDER / f"{kind}.json").read_text())
    return found


def write() -> None:
    for kind, compute in FIGURES.items():
        lines = [
            f'"{name}": {json.dumps([[float(f"{v:.{DIGITS}g}") for v in row] for row in rows])}'
            for name, rows in compute().items()
        ]
        (FOLDER / f"{kind}.json").write_text("{" + ",\n ".join(lines) + "}\n")


if __name__ == "__main__":
    json.dump({"curves": curves(int(sys.argv[1])), "traces": traces()}, sys.stdout)
