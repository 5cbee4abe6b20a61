"""Learns the compact backbone that comes with ganwerk, in a minute on one core, without labels.

Layer by layer: patches of what the layers before give are whitened and grouped by spherical k-means
(Coates and Ng 2012, Learning feature representations with k-means); the groups' centres are the
layer's filters, standardised like those of the random twin (ganwerk/style/calibration.py), so that
the two differ by nothing but their directions. The pictures: CIFAR-10, four photographs, dead
leaves and noise textures. None of the paintings that the benchmarks judge by is seen.

Example: python -m bench.compact --out src/ganwerk/style/compact.safetensors
"""

from __future__ import annotations

import io
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save
from torch import Tensor

import ganwerk  # noqa: F401  (it sets how threads wait)
from bench.common import add_data_option, machine_line, parser, publish
from bench.record import machine, made, row
from ganwerk.style.backbones import COMPACT, MEAN, STD
from ganwerk.style.calibration import dead_leaves

SOURCES, SOURCE_PX, CHUNK = 144, 160, 8
PATCHES_EACH, ROUNDS, REGULARISATION = 320, 12, 0.05
MOST_BYTES = 2_500_000


def mosaics(data: Path, count: int) -> list[Tensor]:
    """CIFAR-10's pictures, enlarged twice, 2.5 x 2.5 of them on each (3, SOURCE_PX, SOURCE_PX)."""
    side = SOURCE_PX // 64 + 1
    with zipfile.ZipFile(data / "cifar10-train.zip") as file:
        names = sorted(n for n in file.namelist() if n.endswith((".jpg", ".jpeg", ".png")))
        chosen = np.random.default_rng(1).choice(names, count * side * side, replace=False)
        tiles = [
            np.asarray(Image.open(io.BytesIO(file.read(n))).convert("RGB").resize((64, 64)))
            for n in chosen
        ]
    found = []
    for i in range(count):
        some = tiles[i * side * side : (i + 1) * side * side]
        rows = [np.concatenate(some[r * side : (r + 1) * side], 1) for r in range(side)]
        sheet = np.concatenate(rows)[:SOURCE_PX, :SOURCE_PX]
        found.append(torch.from_numpy(sheet.copy()).permute(2, 0, 1) / 255)
    return found


def photographs(data: Path) -> list[Tensor]:
    """Squares of four photographs at two scales."""
    from sklearn.datasets import load_sample_images

    photos = [Image.fromarray(a) for a in load_sample_images().images]
    photos += [Image.open(data / "style" / f"{n}.jpg") for n in ("tubingen", "golden_gate")]
    blocks = []
    for photo in photos:
        for width in (photo.width, photo.width // 2):
            small = photo.convert("RGB").resize((width, round(photo.height * width / photo.width)))
            pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1) / 255
            for top in range(0, pixels.shape[1] - SOURCE_PX + 1, SOURCE_PX):
                for left in range(0, pixels.shape[2] - SOURCE_PX + 1, SOURCE_PX):
                    blocks.append(pixels[:, top : top + SOURCE_PX, left : left + SOURCE_PX])
    return blocks


def noise_texture(random: np.random.Generator) -> Tensor:
    """Gaussian noise with a random spectrum: slope, direction, stripes, palette, hard edges."""
    n = SOURCE_PX
    fy, fx = np.meshgrid(np.fft.fftfreq(n), np.fft.fftfreq(n), indexing="ij")
    angle, stretch, slope = random.uniform(0, np.pi), random.uniform(1, 6), random.uniform(0.5, 2.2)
    u, v = np.cos(angle) * fx + np.sin(angle) * fy, -np.sin(angle) * fx + np.cos(angle) * fy
    radius = np.hypot(u, v * stretch) + 1 / n
    peak = np.exp(-(((radius - random.uniform(0.02, 0.3)) / random.uniform(0.01, 0.1)) ** 2))
    spectrum = radius**-slope + peak * random.uniform(0, 30)
    fields = []
    for _ in range(3):
        wave = np.fft.ifft2(np.fft.fft2(random.standard_normal((n, n))) * spectrum).real
        fields.append((wave - wave.mean()) / wave.std())
    mixed = np.einsum("ij,jhw->ihw", random.normal(0, 1, (3, 3)), np.stack(fields))
    if random.random() < 0.5:
        mixed = np.round(mixed * random.uniform(0.5, 2)) / random.uniform(0.7, 2)
    picture = 0.5 + 0.25 * mixed / mixed.std() + random.uniform(-0.2, 0.2, (3, 1, 1))
    return torch.from_numpy(picture.clip(0, 1)).float()


def sources(data: Path) -> Tensor:
    """(N, 3, SOURCE_PX, SOURCE_PX) in [0, 1], a quarter of each kind."""
    random, each = np.random.default_rng(0), SOURCES // 4
    blocks = photographs(data)
    chosen = random.permutation(len(blocks))[:each]
    leaves = [
        dead_leaves(100 + i, SOURCE_PX, int(random.integers(60, 500)))[0] for i in range(each)
    ]
    noise = [noise_texture(random) for _ in range(each)]
    return torch.stack([*(blocks[i] for i in chosen), *mosaics(data, each), *leaves, *noise])


def some_patches(x: Tensor, random: torch.Generator) -> Tensor:
    """(n, 9 C) of features (B, C, H, W), at random places."""
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    height, width = x.shape[-2:]
    rows = torch.randint(height, (PATCHES_EACH,), generator=random)
    columns = torch.randint(width, (PATCHES_EACH,), generator=random)
    offsets = torch.arange(3)
    y = (rows[:, None] + offsets)[:, :, None].expand(-1, -1, 3)
    z = (columns[:, None] + offsets)[:, None, :].expand(-1, 3, -1)
    return padded[:, :, y, z].permute(0, 2, 1, 3, 4).reshape(-1, 9 * x.shape[1])


def filters(patches: Tensor, count: int, random: torch.Generator) -> Tensor:
    """(count, 9 C): centres of spherical k-means in whitened space, as filters of raw patches."""
    centred = patches - patches.mean(0)
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    damped = (values + REGULARISATION * values.mean()).rsqrt()
    whitening = (vectors * damped) @ vectors.T
    white = F.normalize(centred @ whitening, dim=1)
    centres = white[torch.randperm(len(white), generator=random)[:count]].clone()
    for _ in range(ROUNDS):
        groups = (white @ centres.T).argmax(1)
        sums = torch.zeros_like(centres).index_add_(0, groups, white)
        empty = sums.norm(dim=1) < 1e-6
        sums[empty] = white[torch.randint(len(white), (int(empty.sum()),), generator=random)]
        centres = F.normalize(sums, dim=1)
    return centres @ whitening


@torch.no_grad()
def learn(pictures: Tensor, seed: int) -> dict[str, Tensor]:
    """The weights, layer by layer; each channel has mean 0 and variance 1 before its ReLU."""
    random = torch.Generator().manual_seed(seed)
    mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (MEAN, STD))
    x = (pictures - mean) / std
    weights = {}
    for name, (before, after) in COMPACT.shapes().items():
        if name.endswith("_1") and name != "1_1":
            x = F.avg_pool2d(x, 2)
        patches = torch.cat([some_patches(part, random) for part in x.split(CHUNK)])
        weight = filters(patches, after, random).reshape(after, before, 3, 3)
        outs = patches @ weight.reshape(after, -1).T
        spread = outs.std(0).clamp_min(1e-6)
        weights[f"{name}.weight"] = weight / spread.reshape(-1, 1, 1, 1)
        weights[f"{name}.bias"] = -outs.mean(0) / spread
        x = torch.cat([
            F.conv2d(F.pad(part, (1, 1, 1, 1), mode="replicate"), weights[f"{name}.weight"],
                     weights[f"{name}.bias"]).relu_().bfloat16() for part in x.float().split(CHUNK)
        ]).float()  # fmt: skip
        print(f"{name}: {after} filters from {len(patches):,} patches", flush=True)
    return weights


def main() -> None:
    options = parser(__doc__)
    add_data_option(options)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    here, start = machine("cpu"), time.perf_counter()
    print(machine_line(here), flush=True)
    weights = {k: v.half().contiguous() for k, v in learn(sources(given.data), given.seed).items()}
    about = {"learned by": "python -m bench.compact", "seed": str(given.seed),
             "data": "CIFAR-10, four photographs, dead leaves, noise textures",
             "date": datetime.now(UTC).date().isoformat()}  # fmt: skip
    content = save(weights, metadata=about)
    if len(content) > MOST_BYTES:
        raise SystemExit(f"error: {len(content):,} bytes are more than {MOST_BYTES:,}.")
    given.out.write_bytes(content)
    print(f"Written: {given.out}, {len(content):,} bytes")
    told = row("compact", seconds=time.perf_counter() - start, file_bytes=len(content))
    publish(given, made("compact", "learning", [told], here), {})


if __name__ == "__main__":
    main()
