"""Large pictures: how fast the style networks train, and how good each preset becomes.

  speed    ganwerk's StyleGAN against the published StyleGAN2 networks in their plain PyTorch path,
           in one and the same training step: equal widths, batch, loss, mixing and intervals of R1,
           block by block in turn. --peer DIR names a checkout of the published code, which ganwerk
           neither contains nor needs; put `requests`, which it imports, into the same folder.
  quality  presets on the fruits at one size and equal minutes, over seeds: grids and distances.
           What is in --out is not played again: it may be stopped, and several may share the work.

A figure of `speed` is the median over the rounds; a ratio is that of the medians, and in brackets
stand the quartiles of the rounds' own ratios.
Examples: python -m bench.highres speed --peer DIR; python -m bench.highres quality --out out/high
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.common import (
    add_data_option,
    data_folder,
    machine_line,
    parser,
    publish,
    ratio_of,
    spread,
    table,
    write_json,
)
from bench.record import Deviation, Figure, Row, machine, made
from bench.record import row as row_of
from ganwerk.config import auto, build, load
from ganwerk.config.schema import Settings, StyleSettings
from ganwerk.evaluation.evaluate import Wanted, evaluate_run
from ganwerk.game.state import TrainState
from ganwerk.game.step import train_step
from ganwerk.nn.types import Scales
from ganwerk.run import Run, grid, write_picture
from ganwerk.runtime.machine import facts, keep_freed_memory
from ganwerk.sampling.sample import Sampler
from ganwerk.training import probe
from ganwerk.training.footprint import dummy_batch
from ganwerk.training.train import Request, train
from ganwerk.values import DataFacts, Origin, PictureShape

PRESETS = ("dcgan", "auto", "r3", "stylegan", "progressive", "multi-scale")
SCORES = (
    "FD[pixelpca64-v1]", "FD[selfsup64-v2]", "recall[pixelpca64-v1]", "coverage[pixelpca64-v1]",
    "precision[selfsup64-v2]", "NDB[pixelpca64-v1]",
)  # fmt: skip
PUBLISHED = ("none", "r1:weight=1,every=16")
PUBLISHED_SETS = ("game.loss=non-saturating",)
SHOWN, COLUMNS = 32, 8
STEPS = 16  # of a block: R1 is due once
Block = Callable[[], float]


class PeerGenerator(nn.Module):
    """The published generator behind nn.types.Styled; it draws its noise itself."""

    def __init__(self, net: Any, side: int) -> None:
        super().__init__()
        self.net, self.latent_dim, self.style_size = net, net.z_dim, net.w_dim
        self.style_layers = net.num_ws
        self.style_resolutions = (side,) * net.num_ws
        self.register_buffer("mean_style", torch.zeros(net.w_dim))

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.net.mapping(z, None)[:, 0]

    def synthesis(self, styles: Tensor, noise: tuple[Tensor, ...] | None = None) -> Scales:
        return (self.net.synthesis(styles, noise_mode="random"),)

    def fresh_noise(self, count: int, random: torch.Generator) -> tuple[Tensor, ...]:
        return ()

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Scales:
        return (self.net(z, None),)


class PeerDiscriminator(nn.Module):
    """The published discriminator behind nn.types.Discriminator."""

    def __init__(self, net: Any, group: int) -> None:
        super().__init__()
        self.net, self.group_size = net, group

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        return self.net(scales[-1], None)[:, 0]


def settings_of(side: int, sets: list[str], device: str | None) -> Settings:
    """What the preset stylegan decides for unlabelled colour pictures of this size here, but for
    the loss and its penalty, which are as the peer was published."""
    draft = load.collect(preset="stylegan", remedies=PUBLISHED, sets=[*PUBLISHED_SETS, *sets])
    draft.give("data.where", "noise", Origin("benchmark"))
    auto.decide(draft, DataFacts(2000, PictureShape(side, 3), (), ()), facts(device))
    return load.settle(draft)


def block(state: TrainState, settings: Settings, choices: dict[str, str]) -> Block:
    """Trains STEPS steps and returns images per second."""
    recipe = build.recipe(settings)
    batch = dummy_batch(settings, state.device, settings.budget.batch)

    def steps() -> float:
        start = clock(state.device)
        with probe.computing(choices):
            for _ in range(STEPS):
                train_step(state, lambda _: batch, recipe)
        return STEPS * settings.budget.batch / (clock(state.device) - start)

    return steps


def clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def ours(settings: Settings, precision: str) -> Block:
    device = torch.device(settings.run.device)
    asked = settings.model_copy(
        update={"run": settings.run.model_copy(update={"precision": precision})}
    )
    choices = probe.probe(asked, 0, facts(settings.run.device), anew=True).choices
    state = build.state(settings, 0, device, 1e9)
    probe.apply_choices(state, choices)
    return block(state, settings, choices)


def peers(settings: Settings, folder: Path) -> Block:
    """The published networks, with widths as of ours, in float32 and their own memory layout."""
    sys.path.insert(0, str(folder))
    from training import networks

    network, side = settings.network, settings.data.resolution
    assert isinstance(network, StyleSettings)
    assert network.generator_width == network.discriminator_width
    device = torch.device(settings.run.device)
    sizes: dict[str, Any] = {
        "channel_base": network.generator_width * side,
        "channel_max": network.max_width,
    }
    generator = networks.Generator(
        z_dim=settings.latent.dim, c_dim=0, w_dim=network.style_size, img_resolution=side,
        img_channels=3, mapping_kwargs={"num_layers": network.mapping_layers},
        synthesis_kwargs=sizes | {"num_fp16_res": 0},
    )  # fmt: skip
    discriminator = networks.Discriminator(
        c_dim=0, img_resolution=side, img_channels=3, num_fp16_res=0,
        epilogue_kwargs={"mbstd_group_size": network.group}, **sizes,
    )  # fmt: skip
    wrapped = (
        PeerGenerator(generator, side).to(device).train(),
        PeerDiscriminator(discriminator, network.group).to(device).train(),
    )
    state = build.state(settings, 0, device, 1e9)
    make = build.OPTIMISERS[settings.optimiser.kind]
    rate = settings.optimiser.generator_rate
    state = replace(
        state,
        g_net=wrapped[0],
        d_net=wrapped[1],
        ema=type(state.ema)(wrapped[0], settings.average.half_life_images, settings.average.ramp),
        g_optimiser=make(wrapped[0], rate, settings.optimiser),
        d_optimiser=make(wrapped[1], rate, settings.optimiser),
    )
    return block(state, settings, {probe.MATRICES: "float32"})


def parameters_line(settings: Settings) -> str:
    network = settings.network
    assert isinstance(network, StyleSettings)
    return (
        f"{settings.data.resolution} px, batch {settings.budget.batch}, {network.generator_width} "
        f"to {network.max_width} channels, styles of {network.style_size}"
    )


def speed(given: argparse.Namespace) -> None:
    here = machine(given.device)
    print(machine_line(here), flush=True)
    settings = settings_of(given.side, given.sets, given.device)
    print(parameters_line(settings), flush=True)
    keep_freed_memory()
    lanes = {"ganwerk": ours(settings, "measured")}
    if not given.brief:
        lanes["ganwerk, float32"] = ours(settings, "float32")
    if given.peer is not None:
        lanes["published"] = peers(settings, given.peer)
    rates: dict[str, list[float]] = {name: [] for name in lanes}
    for turn in range(given.rounds + 1):
        for name, run in lanes.items():
            rate = run()
            if turn:  # the first warms up
                rates[name].append(rate)
            print(f"  round {turn} of {given.rounds}: {name} {rate:.1f} images/s", flush=True)
    name_of_last, last = list(rates.items())[-1]
    times = {name: ratio_of(found, last) for name, found in rates.items()}
    rows = [[name, f"{spread(found):.1f}", f"{times[name]:.2f}"] for name, found in rates.items()]
    print(table(["networks", "images/s", f"times {name_of_last}"], rows))
    key = f"times_{name_of_last.replace(', ', '_')}"
    told = [row_of(name, **{"images_per_second": spread(found), key: times[name]})
            for name, found in rates.items()]  # fmt: skip
    line = parameters_line(settings)
    record = made("highres", "speed", told, here, note=line)
    publish(given, record, {"what": line, "rates": rates})


def quality(given: argparse.Namespace) -> None:
    folder = data_folder(given.data, "fruits/train") / "fruits" / "train"
    here = machine()
    print(machine_line(here), flush=True)
    seeds = [int(seed) for seed in given.seeds.split(",")]
    found = {
        preset: [played(preset, seed, folder, given) for seed in seeds]
        for preset in given.presets.split(",")
    }
    print(table(["preset", "images", *SCORES], [row(*each) for each in found.items()]))
    told = [means(preset, runs) for preset, runs in found.items()]
    record = made("highres", "quality", told, here, note=f"{given.minutes:g} minutes each")
    publish(given, record, {"minutes": given.minutes, "found": found})


def played(preset: str, seed: int, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """The scores of this preset with this seed: read, if they are there, else trained for."""
    run = given.out / f"{preset}-{seed}"
    kept = run.with_suffix(".json")
    asked = {"minutes": given.minutes, "side": given.side, "sets": given.sets}
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        if found["asked"] != asked:
            raise SystemExit(f"error: {kept} is of another measurement: {found['asked']}.")
        return dict(found["scores"])
    flags = {
        "budget.minutes": (given.minutes, "bench"),
        "data.resolution": (given.side, "bench"),
        "run.seed": (seed, "bench"),
    }
    if not run.exists():
        train(Request(str(folder), preset=preset, flags=flags, sets=tuple(given.sets), out=run))
    if not any(end["reason"] == "finished" for end in Run.open(run).journal.rows("end")):
        raise SystemExit(f"error: {run} is not finished.\nhint: ganwerk resume {run}")
    pictures = Sampler.open(run).draw(range(SHOWN))
    write_picture(run.with_suffix(".png"), grid(pictures, COLUMNS))
    scores: dict[str, Any] = {
        record.name: record.value for record in evaluate_run(run, Wanted()).records
    }
    scores["images"] = Run.open(run).journal.rows("step")[-1]["images"]
    print(f"{preset}, seed {seed}: {scores}", flush=True)
    write_json(kept, {"asked": asked, "scores": scores})
    return scores


def row(preset: str, runs: list[dict[str, Any]]) -> list[str]:
    """Of the table: means over the seeds with their standard deviations."""
    images = statistics.mean(run["images"] for run in runs)
    cells = [[run[score] for run in runs] for score in SCORES]
    return [
        preset,
        f"{images:,.0f}",
        *(f"{statistics.mean(v):.3f}" + (f" ± {statistics.stdev(v):.3f}" if len(v) > 1 else "")
          for v in cells),
    ]  # fmt: skip


def means(preset: str, runs: list[dict[str, Any]]) -> Row:
    """A row of the record: means over the seeds with their standard deviations."""

    def figure(values: list[float]) -> Figure:
        size = statistics.stdev(values) if len(values) > 1 else None
        spread = None if size is None else Deviation(kind="standard deviation", size=size)
        return Figure(value=statistics.mean(values), spread=spread)

    scores = {name: figure([run[name] for run in runs]) for name in (*SCORES, "images")}
    return row_of(preset, seeds=len(runs), **scores)


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    add_data_option(options)
    options.add_argument("what", choices=["speed", "quality"], help="see above")
    options.add_argument("--side", type=int, default=64, help="of a picture in px (default: 64)")
    options.add_argument("--peer", type=Path, metavar="DIR", help="checkout of the published code")
    options.add_argument("--brief", action="store_true", help="without ganwerk in float32")
    options.add_argument("--device", help="cpu, cuda ...")
    options.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    options.add_argument("--out", type=Path, default=Path("out/highres"), metavar="DIR")
    options.add_argument("--minutes", type=float, default=60.0, help="per preset (default: 60)")
    options.add_argument("--seeds", default="0,1,2", help="(default: 0,1,2)")
    options.add_argument("--presets", default=",".join(PRESETS), help=f"({', '.join(PRESETS)})")
    options.add_argument("--set", dest="sets", action="append", default=[], metavar="KEY=VALUE")
    return options.parse_args()


def main() -> None:
    given = arguments()
    {"speed": speed, "quality": quality}[given.what](given)


if __name__ == "__main__":
    main()
