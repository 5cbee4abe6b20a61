"""Style transfer against neural-style-pt and crowsonkb's style-transfer-pytorch, and by itself.

  speed    one closure of VGG19 at 256 px, the same (random) weights for all, L-BFGS, in turns
  default  the default settings at 512 px: time to the first preview and to the result
  quality  textures from noise by each backbone, judged by a referee none of them descends
  textures retrieval of textures by the features of each backbone
  sizes    the same transfer at 256 and at 1,024 px: the referee's score of both
  figure   the row of pictures in the README
  large    4,096 px in tiles: memory and seconds per closure
  memory   the estimate made before it starts against the peak of a process

The referee (bench/referee.py) compares a steerable pyramid's statistics; 1 is noise with the
painting's colours, the floor is another crop of the same painting.
Example: python -m bench.style speed --peers ../peers
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import ganwerk
from bench.common import (
    DEFAULT_DATA,
    Spread,
    machine_line,
    parser,
    publish,
    spread,
    table,
)
from bench.record import Row, machine, made, row

Found = tuple[list[Row], dict[str, Any]]
"""Rows of the record, and all numbers."""

PHOTOS, PAINTINGS = ("tubingen", "golden_gate"), ("starry_night", "the_scream", "shipwreck")


def picture(given: argparse.Namespace, name: str) -> Path:
    path: Path = given.data / "style" / f"{name}.jpg"
    if not path.is_file():
        sys.exit(f"error: there is no {path}.\nhint: name the folder that holds style/: --data DIR")
    return path


def random_vgg19(folder: Path) -> tuple[Path, Path]:
    """The same random weights as torchvision names them (.pth) and as ganwerk does."""
    import torch
    from safetensors.torch import save_file

    from ganwerk.style.backbones import VGG19
    from ganwerk.style.calibration import random_weights

    folder.mkdir(parents=True, exist_ok=True)
    theirs, ours = folder / "vgg19-random.pth", folder / "vgg19-random.safetensors"
    weights = dict(random_weights(VGG19))
    numbers = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    named = {
        f"features.{number}.{part}": weights[f"{name}.{part}"]
        for name, number in zip(VGG19.shapes(), numbers, strict=True)
        for part in ("weight", "bias")
    }
    torch.save(named, theirs)
    save_file(weights, ours)
    return theirs, ours


def speed(given: argparse.Namespace) -> Found:
    theirs, ours = random_vgg19(given.work)
    rows = [("neural-style-pt", "auto"), ("style-transfer-pytorch", "auto"),
            ("ganwerk", "float32"), ("ganwerk", "bfloat16")]  # fmt: skip
    seconds: dict[tuple[str, str], list[float]] = {row: [] for row in rows}
    peaks = dict.fromkeys(rows, 0)
    for _ in range(given.rounds):
        for name, precision in rows:
            line = [
                sys.executable, "-m", "bench.style_peers", name, "--content",
                str(picture(given, "tubingen")), "--style", str(picture(given, "starry_night")),
                "--weights", str(theirs), "--converted", str(ours), "--peers", str(given.peers),
                "--size", str(given.size), "--closures", str(given.closures),
                "--precision", precision, "--clock", given.clock,
            ]  # fmt: skip
            done = subprocess.run(line, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"error: {name} ended with {done.returncode}:\n{done.stderr}")
            found = json.loads(done.stdout.splitlines()[-1])
            seconds[name, precision] += found["seconds"]
            peaks[name, precision] = max(peaks[name, precision], found["peak_bytes"])
    spreads = {row: spread(values) for row, values in seconds.items()}
    base = spreads["neural-style-pt", "auto"].median
    flop = flop_of(picture(given, "tubingen"), given.size)
    print(f"{flop / 1e9:.1f} GFLOP per closure for the convolutions")
    print(table(
        ["", "ms per closure", "to neural-style-pt", "GFLOP/s", "peak MB"],
        [[f"{name} {precision if name == 'ganwerk' else ''}", f"{_ms(s)}",
          f"{base / s.median:.2f} times", f"{flop / s.median / 1e9:.0f}",
          f"{peaks[name, precision] / 1e6:.0f}"] for (name, precision), s in spreads.items()],
    ))  # fmt: skip
    rows_told = [
        row(f"{name}, {precision}" if name == "ganwerk" else name,
            closure_ms=s.scaled(1e3),
            times_neural_style_pt=base / s.median, peak_bytes=peaks[name, precision])
        for (name, precision), s in spreads.items()
    ]  # fmt: skip
    return rows_told, {"seconds": {" ".join(k): v for k, v in spreads.items()},
                       "peaks": {" ".join(k): v for k, v in peaks.items()}}  # fmt: skip


def flop_of(photo: Path, long_px: int) -> float:
    """Of VGG19's convolutions to relu5_1, there and back to the picture."""
    from PIL import Image

    from ganwerk.style.backbones import VGG19
    from ganwerk.style.pyramid import fitted

    with Image.open(photo) as image:
        height, width = fitted(image.height, image.width, long_px)
    return 4.0 * VGG19.multiply_adds(height, width, "relu5_1")


def _ms(found: Spread) -> str:
    return f"{found.scaled(1e3):.0f}"


def default(given: argparse.Namespace) -> Found:
    """As a user has it: from the command to the first preview's file, and to the result's."""
    out = given.work / "default.png"
    given.work.mkdir(parents=True, exist_ok=True)
    line = [
        sys.executable, "-m", "ganwerk", "style", str(picture(given, "tubingen")), "--style",
        str(picture(given, "starry_night")), "--size", "512", "--out", str(out), "--force",
        "--json",
    ]  # fmt: skip
    seconds: dict[str, list[float]] = {"previewed": [], "finished": []}
    events: dict[str, Any] = {}
    for _ in range(given.rounds):
        start, told = time.perf_counter(), set()
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
            for text in process.stdout or ():
                event = json.loads(text)
                if event["event"] in seconds and event["event"] not in told:
                    told.add(event["event"])
                    seconds[event["event"]].append(time.perf_counter() - start)
                events[event["event"]] = event
        if process.returncode:
            sys.exit(f"error: the transfer ended with {process.returncode}.")
    first, whole = spread(seconds["previewed"]), spread(seconds["finished"])
    print(f"first preview after {first:.1f} s, result after {whole:.1f} s, of {given.rounds} runs "
          f"({events['finished']['closures']} closures, "
          f"{events['planned']['plan']['precision']})")  # fmt: skip
    told_row = row("512 px", preview_seconds=first, seconds=whole, runs=given.rounds)
    return [told_row], {"preview_seconds": seconds["previewed"], "seconds": seconds["finished"]}


def quality(given: argparse.Namespace) -> Found:
    from bench.referee import crops, judge, noise_like

    scores: dict[str, dict[str, float]] = {}
    for name in given.only or PAINTINGS:
        reference, other = crops(picture(given, name), given.size)
        noise = judge(noise_like(reference), reference)
        scored = {"floor": judge(other, reference) / noise}
        for label, changes in CANDIDATES.items():
            drawn = textured(reference, label.partition(",")[0], given, **changes)
            scored[label] = judge(drawn, reference) / noise
            print(f"  {name}: {label} {scored[label]:.3f}", flush=True)
        scores[name] = scored
    heads = list(next(iter(scores.values())))
    print(table(["", *heads], [[n, *(f"{r[h]:.3f}" for h in heads)] for n, r in scores.items()]))
    told = [row(head, **{name: of[head] for name, of in scores.items()}) for head in heads]
    return told, {"scores": scores, "half_way": half_way(scores)}


def half_way(scores: dict[str, dict[str, float]]) -> dict[str, float]:
    """The mean over paintings, and what `compact` may reach at most: half way between the floor and
    VGG19 with random weights and the published method."""
    mean = {label: sum(row[label] for row in scores.values()) / len(scores)
            for label in next(iter(scores.values()))}  # fmt: skip
    bound = (mean["floor"] + mean[PUBLISHED]) / 2
    print(f"compact {mean['compact']:.3f}, half way {bound:.3f}")
    return mean | {"bound": bound}


def textures(given: argparse.Namespace) -> Found:
    """AUC of telling patches of one painting, or of one kind of fruit, from those of others."""
    from bench.referee import patches_of, retrieval, sized

    paintings = [patches_of(sized(picture(given, name), 4 * RETRIEVAL_PX), RETRIEVAL_PX)
                 for name in PAINTINGS]  # fmt: skip
    kinds = sorted(path for path in (given.data / "fruits" / "train").iterdir() if path.is_dir())
    fruits = [[sized(path, RETRIEVAL_PX) for path in sorted(kind.glob("*.jpg"))[:FRUITS]]
              for kind in kinds]  # fmt: skip
    found = {backbone: [retrieval(group, backbone) for group in (paintings, fruits)]
             for backbone in CANDIDATES if backbone != PUBLISHED}  # fmt: skip
    rows = [[name, *(f"{auc:.3f}" for auc in aucs)] for name, aucs in found.items()]
    print(table(["AUC", "paintings", "fruits"], rows))
    told = [row(name, paintings=aucs[0], fruits=aucs[1]) for name, aucs in found.items()]
    return told, {"retrieval": found}


RETRIEVAL_PX, FRUITS = 96, 24


PUBLISHED = "vgg19-random, Gram matrices at one scale"
CANDIDATES: dict[str, dict[str, Any]] = {
    "compact": {},
    "compact-random": {},
    "vgg19-random": {},
    PUBLISHED: {"statistic": "gram", "smallest_px": 0, "patch_weight": 0.0, "steps": 150},
}
"""Each with all that we do by default; and VGG19 with the published method: Gram matrices at one
scale from noise, as long as ours in closures."""


def textured(reference: Any, backbone: str, given: argparse.Namespace, **changes: Any) -> Any:
    """A texture from noise in the style of the reference (H, W, 3) uint8."""
    found = ganwerk.stylise(
        reference, reference, size=max(reference.shape[:2]), backbone=backbone, strength=1.0,
        start="noise", precision=given.precision, **changes,
    )  # fmt: skip
    return found.picture


def sizes(given: argparse.Namespace) -> Found:
    """Referee scores of a transfer against the style at its own size."""
    from bench.referee import judge, noise_like, sized

    found = {}
    for size in (256, 1024):
        drawn = ganwerk.stylise(picture(given, "tubingen"), picture(given, "starry_night"),
                                size=size, precision=given.precision).picture  # fmt: skip
        small, style = sized(drawn, 256), sized(picture(given, "starry_night"), 256)
        found[size] = judge(small, style) / judge(noise_like(style), style)
        print(f"{size} px: {found[size]:.3f}", flush=True)
    ratio = found[1024] / found[256]
    print(f"ratio {ratio:.3f}")
    told = row("judged at 256 px", at_256_px=found[256], at_1024_px=found[1024], ratio=ratio)
    return [told], {str(k): v for k, v in found.items()}


def large(given: argparse.Namespace) -> Found:
    """So many closures at the finest scale alone, of all it is the one that needs memory."""
    import resource

    if given.closures < 2:
        sys.exit("error: a closure is timed between two: --closures 2 or more.")
    start = time.perf_counter()

    def watch(event: Any) -> None:
        if isinstance(event, Stepped):
            print(f"  closure {event.point.step} after {time.perf_counter() - start:.0f} s, "
                  f"peak {peak_bytes() / 1e9:.2f} GB", flush=True)  # fmt: skip

    def peak_bytes() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    from ganwerk.style.recipe import recipe_of
    from ganwerk.stylisation.events import Stepped
    from ganwerk.stylisation.job import Options, Request
    from ganwerk.stylisation.verb import stylise_file

    recipe = recipe_of(size_px=4096, smallest_px=0, steps=given.closures)
    request = Request(picture(given, "tubingen"), [(picture(given, "starry_night"), 1.0)], recipe)
    done = stylise_file(request, None, Options(precision=given.precision), watch)
    each = (done.trace[-1].seconds - done.trace[0].seconds) / (len(done.trace) - 1)
    print(f"{done.plan.width} x {done.plan.height} px in tiles of {done.plan.tile_px} px, "
          f"{done.plan.precision}: {each:.1f} s per closure, peak {peak_bytes() / 1e9:.2f} GB, "
          f"estimated {done.plan.memory_bytes / 1e9:.2f} GB")  # fmt: skip
    numbers = {"closure_seconds": each, "peak_bytes": peak_bytes(),
               "estimated_bytes": done.plan.memory_bytes}  # fmt: skip
    words = {"tile": f"{done.plan.tile_px:,} px", "precision": done.plan.precision}
    return [row(f"{done.plan.width:,} x {done.plan.height:,} px", words, **numbers)], numbers


MEMORY_CASES: list[tuple[str, int, str, int | None]] = [
    ("compact", 512, "float32", None), ("compact", 512, "bfloat16", None),
    ("compact", 1024, "float32", None), ("compact", 1024, "bfloat16", None),
    ("compact", 1536, "bfloat16", 512), ("vgg19-random", 512, "float32", None),
    ("vgg19-random", 512, "bfloat16", None), ("vgg19-random", 768, "float32", 256),
]  # fmt: skip
"""Backbone, long side in px, precision, side of tiles."""


def memory(given: argparse.Namespace) -> Found:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    spawned = multiprocessing.get_context("spawn")
    rows, found = [], {}
    paths = picture(given, "tubingen"), picture(given, "starry_night")
    for case in MEMORY_CASES:
        with ProcessPoolExecutor(1, spawned) as process:  # a new one each: peaks never fall
            estimated, peak = process.submit(peak_of, paths, case).result()
        backbone, size, precision, tile = case
        name = f"{backbone}, {size:,} px, {precision}" + (f", tiles of {tile} px" if tile else "")
        found[name] = {"estimated_bytes": estimated, "peak_bytes": peak}
        rows.append(
            [name, f"{estimated / 1e6:.0f}", f"{peak / 1e6:.0f}", f"{estimated / peak:.2f}"]
        )
        print(f"  {rows[-1]}", flush=True)
    print(table(["", "estimated MB", "peak MB", "ratio"], rows))
    return [row(name, **numbers) for name, numbers in found.items()], {"memory": found}


def peak_of(paths: tuple[Path, Path], case: tuple[str, int, str, int | None]) -> tuple[int, int]:
    """(estimated, measured) bytes of three closures in this process."""
    import resource

    from ganwerk.style.recipe import recipe_of
    from ganwerk.stylisation.job import Options, Request
    from ganwerk.stylisation.verb import stylise_file

    (photo, painting), (backbone, size, precision, tile) = paths, case
    recipe = recipe_of(backbone=backbone, size_px=size, smallest_px=0, steps=3)
    options = Options(precision=precision, tile_px=tile or 0)
    done = stylise_file(Request(photo, [(painting, 1.0)], recipe), None, options)
    return done.plan.memory_bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def figure(given: argparse.Namespace) -> Found:
    """The row of the README: what was drawn before is not drawn again."""
    from PIL import Image

    from ganwerk.stylisation.saved import folder_of

    given.work.mkdir(parents=True, exist_ok=True)
    tiles = []
    for photo, painting in SHOWN:
        path = given.work / f"{photo}-{painting}.png"
        if not path.is_file():
            print(f"  {path}", flush=True)
            ganwerk.stylise(
                picture(given, photo), picture(given, painting), out=path, size=FIGURE_PX,
                precision=given.precision, resume=folder_of(path).exists(),
            )  # fmt: skip
        tiles += [Image.open(p).convert("RGB") for p in (picture(given, painting), path)]
    height = FIGURE_PX * 3 // 4
    scaled = [t.resize((round(t.width * height / t.height), height)) for t in tiles]
    thirds = [t.resize((round(t.width * 0.45), round(t.height * 0.45))) if i % 2 == 0 else t
              for i, t in enumerate(scaled)]  # fmt: skip
    sheet = Image.new("RGB", (sum(t.width + GAP_PX for t in thirds) - GAP_PX, height), "white")
    left = 0
    for tile in thirds:
        sheet.paste(tile, (left, (height - tile.height) // 2))
        left += tile.width + GAP_PX
    path = given.work / "style.webp"
    sheet.save(path, quality=80)
    print(f"Written: {path}, {sheet.width} x {sheet.height} px")
    return [], {}


SHOWN = [("tubingen", "starry_night"), ("golden_gate", "the_scream"), ("golden_gate", "shipwreck")]
FIGURE_PX, GAP_PX = 400, 8

JOBS = {"speed": speed, "default": default, "quality": quality, "textures": textures,
        "sizes": sizes, "large": large,
        "memory": memory, "figure": figure}  # fmt: skip


def main() -> None:
    options = parser(__doc__)
    options.add_argument("what", choices=JOBS)
    options.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder with style/")
    options.add_argument("--peers", type=Path, default=Path("../peers"), help="the clones")
    options.add_argument("--work", type=Path, default=Path("out/style"), help="for what is written")
    options.add_argument("--size", type=int, default=256)
    options.add_argument("--closures", type=int, default=10)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--precision", default="auto")
    options.add_argument("--clock", default="wall", help="or processor, on a busy machine")
    options.add_argument("--only", action="append", metavar="NAME", help="judge this painting")
    given = options.parse_args()
    here = machine()
    print(machine_line(here), flush=True)
    rows, numbers = JOBS[given.what](given)
    if rows:
        publish(given, made("style", given.what, rows, here), numbers)


if __name__ == "__main__":
    main()
