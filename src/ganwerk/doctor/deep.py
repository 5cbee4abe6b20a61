"""A closer look at a run, which takes a minute or so: a fresh judge, copies, ignored pictures.

It draws with the newest checkpoint, reads the user's pictures again, and writes sheets of pictures
into the run, which the report shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganwerk.data import Pictures
from ganwerk.doctor.judges import attention, most_real
from ganwerk.metrics.features import PixelPca, RandomConv, extract
from ganwerk.metrics.memorisation import copying
from ganwerk.metrics.search import nearest
from ganwerk.metrics.texture import peak_decibels, texture
from ganwerk.run import Run, grid
from ganwerk.runtime import machine
from ganwerk.runtime.events import nobody
from ganwerk.runtime.pictures import pictures_of
from ganwerk.runtime.settings import settings_of
from ganwerk.sampling.sample import Sampler

DRAWN, SHOWN, JUDGED, LOOKED = 1000, 24, 1500, 256
PER_ROW = 8
RIDGE = 1e-2
SURE = 0.7
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Closer:
    """sentences: for people. values: the numbers by name. pictures: sheets that were written."""

    sentences: tuple[str, ...]
    values: dict[str, float]
    pictures: tuple[Path, ...]


def look_closer(path: Path) -> Closer:
    """Raises RunError, CheckpointError, DataError: it needs a checkpoint and the pictures."""
    run = Run.open(path)
    sampler = Sampler.open(path)
    settings = settings_of(run)
    pictures = pictures_of(run, settings, machine.facts("cpu"), nobody, verb="report").pictures
    train, held_out = pictures.split(settings.run.seed)
    train = pictures.at_hand(train)
    real = _some(pictures, train[:DRAWN])
    fresh = _some(pictures, held_out[:DRAWN])
    drawn = np.ascontiguousarray(sampler.draw(range(2 * DRAWN)).transpose(0, 3, 1, 2))
    values = _judged(real, fresh, drawn) | _copied(real, fresh, drawn)
    values["pattern"] = peak_decibels(texture(drawn)) - peak_decibels(texture(real))
    sheets = _sheets(run, real, drawn)
    waiting = most_real(run, pictures, train[:JUDGED])
    if waiting is not None:
        sheets.append(_sheet(run, "doctor-waiting.png", _some(pictures, waiting[:SHOWN])))
    looked = attention(run, pictures, train[:LOOKED], drawn[:LOOKED], sampler.labels(range(LOOKED)))
    if looked is not None:
        sheets.append(_sheet(run, "doctor-attention.png", looked.sheet))
        values |= {"border_attention": looked.border_share, "border_area": looked.border_area}
    return Closer(tuple(_sentences(values)), values, tuple(sheets))


def _some(pictures: Pictures, chosen: NDArray[np.int64]) -> Pixels:
    return np.ascontiguousarray(pictures.images[chosen])


def _judged(real: Pixels, fresh: Pixels, drawn: Pixels) -> dict[str, float]:
    """How often a judge made anew is right on pictures that neither it nor the generator saw.

    The judge is a ridge regression on features of a network that nobody trained: a classifier
    two-sample test (Lopez-Paz and Oquab 2017, Revisiting classifier two-sample tests), weak, so
    that what it sees is plain. chance: its score on real against real ones.
    """
    eye = RandomConv.fit(real)
    seen, unseen, made = (extract(eye, side).double() for side in (real, fresh, drawn))
    count = min(len(unseen), DRAWN)
    return {
        "fresh_judge": _right(seen, made[: len(seen)], unseen[:count], made[DRAWN:][:count]),
        "fresh_judge_chance": _right(seen[::2], seen[1::2], unseen[::2], unseen[1::2]),
    }


def _right(one: Tensor, other: Tensor, new_one: Tensor, new_other: Tensor) -> float:
    x, y = torch.cat([one, other]), torch.cat([torch.ones(len(one)), -torch.ones(len(other))])
    mean, scale = x.mean(0), x.std(0).clamp_min(1e-9)
    x = torch.cat([(x - mean) / scale, torch.ones(len(x), 1, dtype=x.dtype)], 1)
    weights = torch.linalg.solve(
        x.T @ x + RIDGE * len(x) * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y.double()
    )

    def verdict(part: Tensor) -> Tensor:
        return ((part - mean) / scale) @ weights[:-1] + weights[-1]

    right = (verdict(new_one) > 0).double().mean() + (verdict(new_other) <= 0).double().mean()
    return float(right / 2)


def _copied(real: Pixels, fresh: Pixels, drawn: Pixels) -> dict[str, float]:
    eye = PixelPca.fit(real)
    found = copying(*(extract(eye, side) for side in (real, fresh, drawn[:DRAWN])))
    return {"tail_ratio": found.tail_ratio, "copies": float(found.hits), "copies_p": found.p,
            "copies_visible": found.visible_share}  # fmt: skip


def _sheets(run: Run, real: Pixels, drawn: Pixels) -> list[Path]:
    """Near-identical drawings, copies beside their originals, ignored pictures."""
    eye = PixelPca.fit(real)
    x, y = extract(eye, real), extract(eye, drawn[:DRAWN])
    apart, twin = nearest(y, y, 2)
    alike = apart[:, 1].argsort()[: 2 * SHOWN : 2]
    near, original = nearest(y, x, 2)
    copies = (near[:, 0] / near[:, 1].clamp_min(1e-9)).argsort()[:SHOWN]
    missed, _ = nearest(x, y, 1)
    own, _ = nearest(x, x, min(6, len(x)))
    ignored = (missed[:, 0] / own[:, -1].clamp_min(1e-9)).argsort(descending=True)[:SHOWN]
    return [
        _pairs(run, "doctor-alike.png", drawn, drawn, alike, twin[alike, 1]),
        _pairs(run, "doctor-copies.png", drawn, real, copies, original[copies, 0]),
        _sheet(run, "doctor-ignored.png", real[ignored.numpy()]),
    ]


def _pairs(run: Run, name: str, left: Pixels, right: Pixels, i: Tensor, j: Tensor) -> Path:
    return _sheet(run, name, np.concatenate([left[i.numpy()], right[j.numpy()]], axis=3))


def _sheet(run: Run, name: str, pictures: Pixels) -> Path:
    path = run.pictures_path / name
    columns = max(1, PER_ROW * pictures.shape[2] // pictures.shape[3])
    run.write_picture(path, grid(np.ascontiguousarray(pictures.transpose(0, 2, 3, 1)), columns))
    return path


def _sentences(values: dict[str, Any]) -> list[str]:
    right, chance = values["fresh_judge"], values["fresh_judge_chance"]
    told = "tells drawn pictures from yours" if right > SURE else "hardly tells them apart"
    looked = (
        f"The judge looks at the outermost pixels with {values['border_attention']:.0%} of its "
        f"attention; they are {values['border_area']:.0%} of the picture."
        if "border_attention" in values
        else "Where the judge looks is not known: the checkpoints hold no judge that can be read."
    )
    return [
        f"A fresh judge {told}: right in {right:.0%} of cases on pictures that it never saw "
        f"(your own against each other: {chance:.0%}).",
        f"Copies: {values['copies']:.0f} of {DRAWN:,} drawn pictures lie nearer to a training "
        f"picture than unseen ones do, {values['tail_ratio']:.1f} times as many as by chance; "
        f"sure to be seen above {values['copies_visible']:.0%}.",
        looked,
        f"Pattern of one pixel: {values['pattern']:+.1f} decibels against your pictures.",
        "The report shows near-identical drawings, nearest originals and ignored pictures.",
    ]
