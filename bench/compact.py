"""Trains the compact backbone that comes with ganwerk, from nothing but small free pictures.

Two tasks take turns: CIFAR-10's classes, against pictures made harder by one gradient step (fast
adversarial training, Wong, Rice and Kolter 2020, arXiv 2001.03994: robust features are what style
transfer needs, Nakano 2019), and telling 160 textures and photographs apart by the Gram matrices of
all layers, which is the statistic used later. None of the paintings that the benchmarks judge by is
seen. Batch normalisation is folded into the convolutions, and each channel scaled to a mean
activation of 1 (Gatys et al. 2016, section 2).

Example: python -m bench.compact --minutes 12 --out src/ganwerk/style/compact.safetensors
"""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save
from torch import Tensor, nn

from bench.common import add_data_option, machine, machine_line, parser
from ganwerk.style.backbones import COMPACT, MEAN, STD
from ganwerk.style.calibration import dead_leaves

CLASSES, SOURCES, SOURCE_PX, CROP_PX = 10, 160, 192, 48
BATCH, TEXTURE_BATCH, EPSILON = 64, 32, 3 / 255
SIZES = (32, 32, 48)
LEARNING_RATE, DECAY = 2e-3, 0.05
MOST_BYTES = 2_500_000


class Net(nn.Module):
    """The compact chain with batch normalisation, and the heads of both tasks."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions, self.norms = nn.ModuleDict(), nn.ModuleDict()
        for name, (before, after) in COMPACT.shapes().items():
            self.convolutions[name] = nn.Conv2d(
                before, after, 3, padding=1, padding_mode="replicate", bias=False
            )
            self.norms[name] = nn.BatchNorm2d(after)
        self.taps = [layer[4:] for layer in (*COMPACT.style_layers, *COMPACT.content_layers)]
        widths = {name: after for name, (_, after) in COMPACT.shapes().items()}
        self.classes = nn.ModuleDict({n: nn.Linear(widths[n], CLASSES) for n in self.taps})
        self.squeeze = nn.ModuleDict({n: nn.Conv2d(widths[n], 24, 1) for n in self.taps})
        self.sources = nn.ModuleDict({n: nn.Linear(24 * 24, SOURCES) for n in self.taps})

    def features(self, x: Tensor) -> dict[str, Tensor]:
        mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (MEAN, STD))
        x = ((x - mean) / std).contiguous(memory_format=torch.channels_last)
        found = {}
        for name, convolution in self.convolutions.items():
            if name.endswith("_1") and name != "1_1":
                x = F.avg_pool2d(x, 2)
            x = F.relu(self.norms[name](convolution(x)))
            found[name] = x
        return found

    def class_logits(self, x: Tensor) -> Tensor:
        found = self.features(x)
        deep = [name for name in self.taps if name[0] in "345"]
        return torch.stack([self.classes[n](found[n].mean((2, 3))) for n in deep]).sum(0)

    def source_logits(self, x: Tensor) -> Tensor:
        found, logits = self.features(x), []
        for name in self.taps:
            f = self.squeeze[name](found[name]).flatten(2).float()
            gram = f @ f.transpose(1, 2) / f.shape[2]
            gram = (gram.sign() * (gram.abs() + 1e-6).sqrt()).flatten(1)
            logits.append(self.sources[name](F.normalize(gram, dim=1) * 16))
        return torch.stack(logits).sum(0)


def cifar(data: Path) -> tuple[Tensor, Tensor]:
    """(N, 3, 32, 32) uint8 and classes, from the zip of JPEGs."""
    kept = Path("/tmp") / "ganwerk-bench-cifar10.npz"
    if kept.is_file():
        found = np.load(kept)
        return torch.from_numpy(found["images"]), torch.from_numpy(found["labels"])
    with zipfile.ZipFile(data / "cifar10-train.zip") as file:
        names = sorted(n for n in file.namelist() if n.endswith((".jpg", ".jpeg", ".png")))
        kinds = sorted({n.split("/")[-2] for n in names})
        images = np.stack(
            [np.asarray(Image.open(io.BytesIO(file.read(n))).convert("RGB")) for n in names]
        ).transpose(0, 3, 1, 2)
    labels = np.array([kinds.index(n.split("/")[-2]) for n in names])
    np.savez(kept, images=np.ascontiguousarray(images), labels=labels)
    return torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(labels)


def noise_texture(random: np.random.Generator) -> Tensor:
    """Gaussian noise with a random spectrum: slope, direction, stripes, palette."""
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
    if random.random() < 0.5:  # hard edges, as of paint
        mixed = np.round(mixed * random.uniform(0.5, 2)) / random.uniform(0.7, 2)
    picture = 0.5 + 0.25 * mixed / mixed.std() + random.uniform(-0.2, 0.2, (3, 1, 1))
    return torch.from_numpy(picture.clip(0, 1)).float()


def sources(data: Path) -> Tensor:
    """(SOURCES, 3, SOURCE_PX, SOURCE_PX) in [0, 1]: photographs, dead leaves, noise textures."""
    from sklearn.datasets import load_sample_images

    photos = [Image.fromarray(a) for a in load_sample_images().images]
    photos += [Image.open(data / "style" / f"{n}.jpg") for n in ("tubingen", "golden_gate")]
    blocks = []
    for photo in photos:
        for width in (photo.width, photo.width // 2):
            small = photo.convert("RGB").resize((width, round(photo.height * width / photo.width)))
            pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1) / 255
            for top in range(0, pixels.shape[1] - SOURCE_PX, SOURCE_PX):
                for left in range(0, pixels.shape[2] - SOURCE_PX, SOURCE_PX):
                    blocks.append(pixels[:, top : top + SOURCE_PX, left : left + SOURCE_PX])
    random = np.random.default_rng(0)
    leaves = [dead_leaves(100 + i, SOURCE_PX, int(random.integers(60, 500)))[0] for i in range(24)]
    blocks = blocks[: SOURCES - 84] + leaves
    blocks += [noise_texture(random) for _ in range(SOURCES - len(blocks))]
    return torch.stack(blocks)


def harder(net: Net, x: Tensor, y: Tensor) -> Tensor:
    """The pictures, one signed gradient step away from a random neighbour."""
    moved = (x + EPSILON * (2 * torch.rand_like(x) - 1)).requires_grad_()
    loss = F.cross_entropy(net.class_logits(moved), y)
    (gradient,) = torch.autograd.grad(loss, moved)
    moved = moved.detach() + 1.25 * EPSILON * gradient.sign()
    return torch.clamp(torch.minimum(torch.maximum(moved, x - EPSILON), x + EPSILON), 0, 1)


def jitter(x: Tensor) -> Tensor:
    """Brightness, contrast and colour of each picture, and mirroring of all by chance."""
    n = len(x)
    x = (
        (x - 0.5) * (0.7 + 0.6 * torch.rand(n, 1, 1, 1))
        + 0.5
        + 0.2 * (torch.rand(n, 3, 1, 1) - 0.5)
    )
    return (x.flip(3) if torch.rand(()) < 0.5 else x).clamp(0, 1)


def class_batch(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    chosen = torch.randint(len(images), (BATCH,))
    x = images[chosen].float() / 255
    size = SIZES[int(torch.randint(len(SIZES), ()))]
    top, left = torch.randint(5, (2,)).tolist()
    x = x[:, :, top : top + 28, left : left + 28]
    return jitter(F.interpolate(x, (size, size), mode="bicubic").clamp(0, 1)), labels[chosen]


def texture_batch(found: Tensor) -> tuple[Tensor, Tensor]:
    chosen = torch.randint(len(found), (TEXTURE_BATCH,))
    places = torch.randint(SOURCE_PX - CROP_PX, (TEXTURE_BATCH, 2)).tolist()
    crops = [found[i, :, t : t + CROP_PX, s : s + CROP_PX]
             for i, (t, s) in zip(chosen.tolist(), places, strict=True)]  # fmt: skip
    x = torch.stack(crops)
    return (x + 0.02 * torch.randn_like(x)).clamp(0, 1), chosen


def train(net: Net, data: Path, minutes: float) -> None:
    images, labels = cifar(data)
    found = sources(data)
    optimiser = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=DECAY)
    start, told, step, right = time.monotonic(), 0.0, 0, []
    while (passed := (time.monotonic() - start) / (60 * minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * min(1, passed / 0.05 + 0.02, (1 - passed) / 0.5 + 0.005)
        with torch.autocast("cpu", torch.bfloat16):
            if step % 3 < 2:
                x, y = class_batch(images, labels)
                logits = net.class_logits(harder(net, x, y) if step % 3 else x)
                right.append(float((logits.argmax(1) == y).float().mean()))
                loss = F.cross_entropy(logits, y)
            else:
                x, y = texture_batch(found)
                logits = net.source_logits(x)
                textures = float((logits.argmax(1) == y).float().mean())
                loss = F.cross_entropy(logits, y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        if time.monotonic() - told > 20 and step > 3:
            told = time.monotonic()
            print(f"{passed:4.0%}  step {step}  classes {np.mean(right[-50:]):.1%}  textures "
                  f"{textures:.1%}", flush=True)  # fmt: skip


@torch.no_grad()
def folded(net: Net, pictures: Tensor) -> dict[str, Tensor]:
    """Convolutions with bias, each channel with a mean activation of 1 on the pictures."""
    net.eval()
    means = {name: f.mean((0, 2, 3)) for name, f in net.features(pictures).items()}
    weights, before = {}, torch.ones(3)
    for name, convolution in net.convolutions.items():
        norm = net.norms[name]
        slope = norm.weight / (norm.running_var + norm.eps).sqrt()
        mean = means[name].clamp_min(0.1 * float(means[name].median()))
        weight = convolution.weight * slope.reshape(-1, 1, 1, 1)
        weights[f"{name}.weight"] = weight * before.reshape(1, -1, 1, 1) / mean.reshape(-1, 1, 1, 1)
        weights[f"{name}.bias"] = (norm.bias - norm.running_mean * slope) / mean
        before = mean
    return weights


def main() -> None:
    options = parser(__doc__)
    add_data_option(options)
    options.add_argument("--minutes", type=float, default=12.0)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    found = machine()
    print(machine_line(found), flush=True)
    torch.manual_seed(given.seed)
    net = Net().to(memory_format=torch.channels_last)
    train(net, given.data, given.minutes)
    pictures = texture_batch(sources(given.data))[0]
    weights = {k: v.half().contiguous() for k, v in folded(net, pictures).items()}
    about = {"trained by": "python -m bench.compact", "minutes": str(given.minutes),
             "seed": str(given.seed), "data": "CIFAR-10, four photographs, procedural textures",
             "date": found["date"][:10]}  # fmt: skip
    content = save(weights, metadata=about)
    assert len(content) < MOST_BYTES
    given.out.write_bytes(content)
    print(f"Written: {given.out}, {len(content):,} bytes")


if __name__ == "__main__":
    main()
