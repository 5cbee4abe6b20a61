"""Which figures the tables of the docs show, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Column:
    """A figure or a word of every row. study: where it is looked up, of the same machine."""

    head: str
    key: str
    study: str
    form: str = ".2f"
    factor: float = 1.0


@dataclass(frozen=True)
class Table:
    """The rows of one or several studies of a file. names: what a row is called instead."""

    file: str
    first: str
    columns: tuple[Column, ...]
    names: dict[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    @property
    def studies(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(column.study for column in self.columns))


@dataclass(frozen=True)
class Lines:
    """Sentences with figures."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Readme:
    """rows: what, plain PyTorch, ganwerk, and the section that tells more."""

    rows: tuple[tuple[str, str, str, str], ...]
    below: str
    picture: str


def columns(study: str, *given: tuple[Any, ...]) -> tuple[Column, ...]:
    """(head, key, form, factor, unit, bold) of one study, what is left out by default."""
    return tuple(Column(head, key, study, *rest) for head, key, *rest in given)


MIB, MB = 1 / 2**20, 1e-6
SCORES = (
    ("seeds", "seeds", ".0f"), ("images", "images", ",.0f"),
    ("FD[pixelpca64] (real 1.2)", "FD[pixelpca64-v1]", ".1f"),
    ("FD[selfsup64] (real 0.012)", "FD[selfsup64-v2]", ".3f"),
    ("recall (real 0.99)", "recall[pixelpca64-v1]"),
    ("coverage (real 0.97)", "coverage[pixelpca64-v1]", ".3f"),
    ("bins that differ (real 0.00)", "NDB[pixelpca64-v1]"),
)  # fmt: skip
DIGITS = (
    ("rarest digit, %", "least_percent", ".1f"), ("commonest digit, %", "most_percent", ".1f"),
)  # fmt: skip
POINTS = (
    ("epochs", "epochs", ".1f"), ("minutes", "minutes", ".1f"), ("FD[lenet]", "fd", ".1f"), *DIGITS,
)  # fmt: skip
MODES = (
    ("seeds", "seeds", ".0f"), ("modes", "modes"),
    ("high quality, %", "high_quality_percent", ".1f"), ("reverse KL", "reverse_kl", ".3f"),
    ("W2", "w2"),
)  # fmt: skip
STACKED = (
    ("modes of 1,000", "modes", ".0f"), ("reverse KL", "reverse_kl"),
    ("seconds", "seconds", ".0f"), ("modes of each seed", "modes_of_each_seed"),
)  # fmt: skip
BACKBONES = {
    "floor": "floor: another part of the painting",
    "compact-random": "compact with random weights",
    "vgg19-random": "VGG19 with random weights",
    "vgg19-random, Gram matrices at one scale": "the same, published method",
}

SHARES = (
    ("of all", "of", ".0f"), ("share, %", "share", ".0f", 100), ("from", "low", ".0f", 100),
    ("to", "high", ".0f", 100),
)  # fmt: skip
NO_SHARES = ("runs", "from onset to finding")

TABLES: dict[str, Table] = {
    "doctor": Table("doctor", "test part", columns("test", ("runs", "hits", ".0f"), *SHARES),
                    without=NO_SHARES),
    "doctor-development": Table("doctor", "development part", columns(
        "development", ("runs", "hits", ".0f"), *SHARES), without=NO_SHARES),
    "doctor-first": Table("doctor", "what really happened (oracle)", columns(
        "test: what came first", ("runs", "runs", ".0f"), ("first finding", "first findings"))),
    "doctor-collapse": Table("doctor", "runs that", columns(
        "the demo's collapse", ("number", "runs", ".0f"), ("named", "named", ".0f"),
        ("coverage at the end (real: 0.97)", "coverage"))),
    "scale-pair": Table("scale", "`auto`", columns(
        "pair", ("one process of two threads, images/s", "one_images_per_second", ",.0f"),
        ("two of one thread, images/s", "two_images_per_second", ",.0f"),
        ("two to one", "two_to_one"), ("communication, %", "communication_share", ".0f", 100),
    )),
    "scale-model": Table("scale", "", columns(
        "model", ("predicted, ms a step", "predicted_step_seconds", ".1f", 1e3),
        ("measured, ms", "measured_step_seconds", ".1f", 1e3),
        ("predicted to measured", "predicted_to_measured"),
    )),
    "scale-drawn": Table("scale", "cards (calculated)", columns(
        "drawn", ("ms a step", "step_seconds", ".1f", 1e3),
        ("images/s", "images_per_second", ",.0f"), ("of ideal, %", "share_of_ideal", ".0f", 100),
    )),
    "defaults": Table("defaults", "data: contender", columns(
        "after 60 s", ("seeds", "seeds", ".0f"), ("ratio", "ratio", ".1f"),
        ("coverage", "coverage"), ("of", "coverage_floor"), ("variety", "variety"),
        ("images", "images", ",.0f"), ("highest loss of D", "d_loss_highest", ".1f"),
    )),
    "defaults-90": Table("defaults", "data: contender", columns(
        "after 90 s", ("seeds", "seeds", ".0f"), ("ratio", "ratio", ".1f"),
        ("coverage", "coverage", ".2f"), ("of", "coverage_floor"),
        ("variety", "variety", ".2f"), ("images", "images", ",.0f"),
    )),
    "defaults-300": Table("defaults", "data: contender", columns(
        "after 300 s", ("ratio", "ratio", ".1f"),
        ("coverage", "coverage"), ("of", "coverage_floor"), ("variety", "variety"),
        ("images", "images", ",.0f"), ("highest loss of D", "d_loss_highest", ".1f"),
    )),
    "defaults-600": Table("defaults", "data: contender", columns(
        "after 600 s", ("ratio", "ratio", ".1f"), ("coverage", "coverage"),
        ("FD by LeNet", "fd_lenet-mnist", ".1f"), ("images", "images", ",.0f"),
    )),
    "throughput": Table("throughput", "row", columns(
        "loops", ("network", "network"), ("batch", "batch"), ("in bfloat16", "bfloat16_layers"),
        ("plain, images/s", "plain_images_per_second", ",.0f"),
        ("ganwerk, images/s", "ganwerk_images_per_second", ",.0f"),
        ("by hand, images/s", "by_hand_images_per_second", ",.0f"),
        ("ganwerk to plain", "ganwerk_to_plain"), ("overhead, %", "overhead_percent", ".1f"),
    )),
    "sampling": Table("sampling", "", columns(
        "drawing", ("pictures/s", "images_per_second", ",.0f"), ("of the bare pass", "of_bare"),
    ), {"bare": "bare forward pass at its best batch", "draw": "by seed, as bytes",
        "npz": "into one array file", "png": "into one PNG each"}),
    "remedies": Table("remedies", "remedy", (
        *columns("pictures", ("at 64 px", "plain_steps")),
        *columns("points", ("points", "plain_steps")),
    ), without=("plain",)),
    "remedies-processor": Table("remedies", "remedy", columns(
        "points, processor", ("points, processor time of one thread", "plain_steps", ".3g"),
    )),
    "remedies-counted": Table("remedies", "remedy", columns(
        "pictures, arithmetic", ("operations, in plain steps", "plain_steps"),
    ), without=("plain",)),
    "mnist-auto": Table("quality", "`auto`", columns(
        "auto", *POINTS[:2], ("FD[lenet]", "fd"), *DIGITS,
        ("drawn as asked, %", "asked_percent", ".1f"),
    )),
    "mnist-listing": Table("quality", "`listing`", columns("listing", *POINTS)),
    "mnist-listing-before": Table("quality", "", columns("listing with beta1 = 0.5", *POINTS)),
    "style-networks": Table("highres", "networks", columns(
        "speed", ("images/s", "images_per_second", ".1f"),
        ("times the published", "times_published", ".2f"),
    ), {"ganwerk": "ganwerk, precision as measured for the machine"}),
    "presets": Table("highres", "preset", columns("quality", *SCORES)),
    "compiled": Table("compiled", "", columns(
        "compiled", ("times faster", "times_faster"),
        ("first call, s", "first_call_seconds", ".0f"),
    )),
    "page": Table("page", "", columns(
        "page", ("ready, s", "ready_seconds"), ("memory, MB", "memory_bytes", ".0f", MB),
        ("a row is late by, s", "row_seconds"), ("big run opens in, s", "open_seconds"),
        ("memory more after another hour, MB", "second_hour_bytes", ".1f", MB),
        ("cores while watched", "watching_cores", ".3f"),
        ("pictures taken in a second", "uploads_per_second", ".0f"),
    )),
    "drawing": Table("draw", "slider to picture at 64 px", columns(
        "slider", ("p50, ms", "p50_seconds", ".0f", 1e3), ("p99, ms", "p99_seconds", ".0f", 1e3),
        ("bare pass p50, ms", "bare_p50_seconds", ".0f", 1e3),
        ("bare pass p99, ms", "bare_p99_seconds", ".0f", 1e3),
        ("visitors", "clients", ".0f"),
        ("a visitor's picture p50, ms", "visitor_p50_seconds", ",.0f", 1e3),
    )),
    "playing": Table("draw", "the laboratory on the page", columns(
        "lab", ("first frame after, s", "seconds", ".2f"),
    )),
    "serving": Table("draw", "", columns(
        "server", ("ready after, s", "ready_seconds", ".1f"),
        ("memory before the first picture, MB", "fresh_bytes", ".0f", MB),
        ("after all of this, MB", "later_bytes", ".0f", MB),
    )),
    "kill": Table("kill", "", columns(
        "resumed", ("times killed", "kills", ".0f"), ("times stopped", "stops", ".0f"),
        ("result", "result"),
    )),
    "ring": Table("lab", "method", columns(
        "ring:collapse", *MODES[:2], ("modes >= 20 hits", "full_modes"), *MODES[2:],
        ("modes of each seed", "modes_of_each_seed"),
    )),
    "ring-best": Table("lab", "ring", columns(
        "ring:best", *MODES, ("worst seed", "worst_seed"),
    )),
    "grid-best": Table("lab", "grid, relativistic", columns(
        "grid:best", *MODES, ("worst seed", "worst_seed"),
    )),
    "stacked-best": Table("lab", "preset `best`, 3,000 steps", columns("stacked:best", *STACKED)),
    "stacked-quarter": Table("lab", "preset `quarter`, 1,000 steps", columns(
        "stacked:quarter", *STACKED[:3], ("published, 500,000 steps", "published"),
    )),
    "stacked-full": Table("lab", "preset `full`", columns(
        "stacked:full", ("steps", "steps", ",.0f"), *STACKED[:3],
    )),
    "measures": Table("metrics", "", columns(
        "peers", ("ganwerk, s", "ours_seconds", ".1f"), ("peer, s", "theirs_seconds", ".1f"),
        ("peer", "peer"), ("above the features, MiB", "peak_bytes", ",.0f", MIB),
    ), {"frechet": "Fréchet distance", "neighbours": "precision, recall, density, coverage"}),
    "power-digits": Table("power", "MNIST: features, pictures of each kind, digits", columns(
        "digits", ("told", "told", ".0f"), ("of draws", "draws", ".0f"),
    )),
    "power-copies": Table("power", "MNIST, pixelpca64", columns(
        "copies", ("told", "told", ".0f"), ("of draws", "draws", ".0f"),
    )),
    "power-classes": Table("power", "CIFAR-10: features, pictures of each kind, classes", columns(
        "classes", ("told", "told", ".0f"), ("of draws", "draws", ".0f"),
        ("mean z of FD", "z_frechet", ".1f"), ("mean z of KD", "z_kernel", ".1f"),
    )),
    "mixing": Table("control", "styles swapped", columns(
        "mixing, stylegan", ("shape", "shape", ".3f"), ("colour", "colour", ".3f"),
        ("shape / colour", "shape_to_colour", ".2f"),
    ), {"coarse": "coarse (4 and 8 px)", "middle": "middle (16 and 32 px)",
        "fine": "fine (64 px)"}),
    "style-speed": Table("style", "", columns(
        "speed", ("ms per closure", "closure_ms", ",.0f"),
        ("times neural-style-pt", "times_neural_style_pt"), ("peak MB", "peak_bytes", ",.0f", MB),
    ), {"style-transfer-pytorch": "style-transfer-pytorch (its own losses)"}),
    "style-quality": Table("style", "", columns(
        "quality", ("Starry Night", "starry_night", ".3f"), ("The Scream", "the_scream", ".3f"),
        ("Shipwreck", "shipwreck", ".3f"),
    ), BACKBONES | {"vgg19-random": "VGG19 with random weights, all that is on by default"}),
    "style-textures": Table("style", "AUC", columns(
        "textures", ("paintings", "paintings", ".3f"), ("fruits", "fruits", ".3f"),
    ), BACKBONES),
    "style-sizes": Table("style", "", columns(
        "sizes", ("at 256 px", "at_256_px", ".3f"), ("at 1,024 px", "at_1024_px", ".3f"),
        ("ratio", "ratio"),
    )),
    "style-large": Table("style", "", columns(
        "large", ("tiles", "tile"), ("precision", "precision"),
        ("seconds per closure", "closure_seconds", ".0f"), ("peak GB", "peak_bytes", ".2f", 1e-9),
        ("estimated GB", "estimated_bytes", ".2f", 1e-9),
    )),
    "style-memory": Table("style", "", columns(
        "memory", ("estimated MB", "estimated_bytes", ",.0f", MB),
        ("peak MB", "peak_bytes", ",.0f", MB),
    )),
}  # fmt: skip

DCGAN = "dcgan at 64 px, batch 64"
STEP = "startup/first step"
AUTO, STYLE = "control/projection, auto/all", "control/projection, stylegan/all"
TUNED = "control/projection, tuned, stylegan/all"

LINES: dict[str, Lines] = {
    "doctor-runs": Lines(("", "development", "test"), (
        ("runs that failed", "{doctor/development/runs/broken:.0f}",
         "{doctor/test/runs/broken:.0f}"),
        ("runs that did not", "{doctor/development/runs/healthy:.0f}",
         "{doctor/test/runs/healthy:.0f}"),
        ("... of them broken on purpose", "{doctor/development/runs/survived:.0f}",
         "{doctor/test/runs/survived:.0f}"),
        ("left out: too near to a limit of the oracle", "{doctor/development/runs/doubtful:.0f}",
         "{doctor/test/runs/doubtful:.0f}"),
        ("from the onset to the finding, % of the run",
         "{doctor/development/from onset to finding/share_of_run*100:.0f~}",
         "{doctor/test/from onset to finding/share_of_run*100:.0f~}"),
    )),
    "startup": Lines(("", "measured"), (
        ("`ganwerk --help`", "{startup/help/ganwerk --help/seconds:.2f~} s; of torch, numpy, PIL, "
         "pydantic it imports {startup/help/ganwerk --help/imports:}"),
        ("`ganwerk train` of 1,962 JPEGs to the first step, warm",
         f"{{{STEP}/warm/step_seconds:.1f~}} s"),
        ("the same, cold: nothing decoded, nothing measured",
         f"{{{STEP}/cold/step_seconds:.1f~}} s"),
        ("peak memory of `dcgan` at 64 px, batch 64, above the pictures",
         f"{{startup/memory/{DCGAN}/above_pictures_bytes*{MIB}:,.0f}} MiB, of which importing "
         f"torch takes {{startup/memory/{DCGAN}/torch_bytes*{MIB}:,.0f}}"),
    )),
    "fruits": Lines(("", "images", "minutes"), (
        ("a tutorial's DCGAN", "", "{quality/tutorial/last/minutes:.0f}"),
        ("ganwerk, no option given", "{quality/fruits/last/images:,.0f}",
         "{quality/fruits/last/minutes:.0f}"),
    )),
    "projection": Lines(("", "`auto`", "`stylegan`"), (
        ("best of 256 random pictures", f"{{{AUTO}/best_of_random:.3f~}}",
         f"{{{STYLE}/best_of_random:.3f~}}"),
        ("projection", f"{{{AUTO}/projected:.3f~}}", f"{{{STYLE}/projected:.3f~}}"),
        ("nearest training picture", f"{{{AUTO}/nearest_training:.4f~}}",
         f"{{{STYLE}/nearest_training:.4f~}}"),
        ("nearer than that", f"{{{AUTO}/nearer_than_training:.0f}} of {{{AUTO}/pictures:.0f}}",
         f"{{{STYLE}/nearer_than_training:.0f}} of {{{STYLE}/pictures:.0f}}"),
    )),
    "projection-tuned": Lines(("", "`stylegan`"), (
        ("projection, tuned", f"{{{TUNED}/projected:.3f~}}"),
        ("nearest training picture", f"{{{TUNED}/nearest_training:.3f~}}"),
        ("other pictures were moved by", f"{{{TUNED}/others_moved:.3f~}}"),
        ("nearer than the nearest training picture",
         f"{{{TUNED}/nearer_than_training:.0f}} of {{{TUNED}/pictures:.0f}}"),
    )),
    "style-default": Lines(("default settings at 512 px", "s"), (
        ("from the command to the first preview's file",
         "{style/default/512 px/preview_seconds:.1f~}"),
        ("to the result", "{style/default/512 px/seconds:.1f~}"),
    )),
}  # fmt: skip

LOOPS, BEST = "throughput/loops", "loss=relativistic+r1:weight=0.1+r2:weight=0.1+packing:size=2"
RING, FAST = "lab/ring:collapse", "ganwerk_to_plain:.1f"

README = Readme(
    (
        ("distance to the pictures over that of real ones, after a minute of one thread: digits, "
         "16 px", "{defaults/after 60 s/digits: script/ratio:.1f}",
         "**{defaults/after 60 s/digits: auto/ratio:.1f}**",
         "docs/benchmarks.md#how-good-the-defaults-are"),
        ("the same, MNIST with classes", "{defaults/after 60 s/mnist: script/ratio:.1f}",
         "**{defaults/after 60 s/mnist: auto/ratio:.1f}**",
         "docs/benchmarks.md#how-good-the-defaults-are"),
        ("the same, fruits at 64 px", "{defaults/after 60 s/fruits: script/ratio:.1f}",
         "**{defaults/after 60 s/fruits: auto/ratio:.1f}**",
         "docs/benchmarks.md#how-good-the-defaults-are"),
        ("MNIST: distance to the test set, FD[lenet] (real pictures: "
         "{classifier/floor/last/fd:.1f})",
         "{quality/listing/last/fd:.1f} after {quality/listing/last/epochs:.0f} epochs of the "
         "listing",
         "**{quality/auto/last/fd:.2f}** after {quality/auto/last/minutes:.0f} minutes, with "
         "classes", "docs/benchmarks.md#how-good-mnist"),
        ("MNIST: digits drawn as asked", "cannot be asked",
         "{quality/auto/last/asked_percent:.1f} %", "docs/benchmarks.md#how-good-mnist"),
        ("fruits at 64 px", "grey noise, after {quality/tutorial/last/minutes:.0f} minutes",
         "all four kinds, after {quality/fruits/last/minutes:.0f} minutes",
         "docs/benchmarks.md#how-good-fruits"),
        ("images per second, first GAN on MNIST", "1",
         f"{{{LOOPS}/listing/{FAST}}} times "
         f"({{{LOOPS}/listing/ganwerk_images_per_second:,.0f}}/s)", "docs/benchmarks.md#how-fast"),
        ("images per second, the former `auto` at 32 px / 64 px", "1",
         f"{{{LOOPS}/auto-32/{FAST}}} / {{{LOOPS}/auto-64/{FAST}}} times "
         f"({{{LOOPS}/auto-32/ganwerk_images_per_second:.0f}} / "
         f"{{{LOOPS}/auto-64/ganwerk_images_per_second:.0f}}/s)", "docs/benchmarks.md#how-fast"),
        ("images per second, published DCGAN at 32 px", "1",
         f"{{{LOOPS}/dcgan-32/{FAST}}} times", "docs/benchmarks.md#how-fast"),
        ("images per second, StyleGAN2 at 64 px", "1 (the published networks)",
         "{highres/speed/ganwerk/times_published:.2f} times "
         "({highres/speed/ganwerk/images_per_second:.0f}/s), "
         "{highres/speed/ganwerk, float32/times_published:.2f} in float32",
         "docs/benchmarks.md#large-pictures"),
        ("collapse, ring of 8: modes held, ten seeds", f"{{{RING}/plain/modes:.1f}}",
         f"{{{RING}/unrolled:steps=5/modes:.1f}} unrolled by 5; "
         f"{{{RING}/packing:size=2/modes:.1f}} packed, "
         f"{{{RING}/balance:speed=0.2,every=4/modes:.1f}} balanced, "
         f"{{{RING}/two-rates:generator=1,discriminator=20/modes:.1f}} with two rates",
         "docs/lab.md#6-the-cures"),
        ("stacked MNIST, 1,000 modes, small D: modes drawn",
         "{lab/stacked:best/plain/modes:.0f}",
         f"**{{lab/stacked:best/{BEST}/modes:.0f}}** (best published 667)",
         "docs/lab.md#7-a-thousand-modes"),
        ("style transfer, a step of VGG19 at 256 px",
         "{style/speed/neural-style-pt/closure_ms:.0f} ms (neural-style-pt)",
         "{style/speed/ganwerk, bfloat16/closure_ms:.0f} ms, "
         "{style/speed/ganwerk, float32/closure_ms:.0f} ms in float32",
         "docs/benchmarks.md#style-transfer"),
        ("style transfer at 512 px, offline, default settings", "",
         "first preview after {style/default/512 px/preview_seconds:.1f} s, result after "
         "{style/default/512 px/seconds:.0f~} s", "docs/benchmarks.md#style-transfer"),
    ),
    "A figure is of one machine, and so is a ratio. Rows of `auto` before 2026-11-29 are of its "
    "former recipe. Method, spread and all numbers: "
    "[benchmarks](docs/benchmarks.md).",
    "![a tutorial's DCGAN beside ganwerk, on the same pictures](docs/pictures/tutorial.webp)",
)  # fmt: skip
