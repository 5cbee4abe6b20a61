"""Settings that follow from data and machine. Each is a default with a reason; whatever a preset, a
file or a flag says comes first. Torch-free.

The numbers were found by the runs in docs/benchmarks.md.
"""

from __future__ import annotations

from typing import NamedTuple

from ganwerk.config.load import Draft
from ganwerk.errors import ConfigError
from ganwerk.values import DataFacts, MachineFacts, Origin, duration

LEAST_PER_CLASS = 40  # pictures; below it a class cannot be told from its few examples
MOST_CLASSES = 200


class Need(NamedTuple):
    """How many images pictures of up to this size take until they are varied, and the bounds of
    the automatic budget. measured: whether that many were seen to suffice (the built-in digits);
    else it is a first guess."""

    largest_px: int
    images: int
    least_minutes: float
    most_minutes: float
    measured: bool = False


NEEDS = (
    Need(16, 60_000, 1.5, 3, measured=True),
    Need(32, 200_000, 4, 20),
    Need(64, 300_000, 10, 40),
    Need(1024, 600_000, 30, 120),
)
MEASURED_PX = 64
POLICIES = {
    "diffaugment": ("colour", "translation", "cutout"),
    "ada": ("translation", "scale", "colour"),
}
"""Changes that pictures in general survive; nothing turns pictures that have an upside."""
EQUALISED = ("style", "progressive", "multi-scale")
"""Networks whose learning rates are equalised."""
RELABELLING = {"label-smoothing", "label-flipping"}
"""Remedies that need a loss which sets reals and fakes a target."""
FOLLOWING = ("relativistic", "dcgan")
"""Loss and network for which gamma was found to follow the pictures."""
GAMMA_PER_VARIANCE = 0.0014
HIDDEN, HIDDEN_WIDTH = "network.discriminator_features", 256
MANY = 10_000
"""Pictures; whether a richer D learns fewer by heart was not measured."""
ENOUGH = 0.9
"""Of the need; an automatic budget is that of the whole, rounded to tenths of a minute."""
GROUPS = {"minibatch-discrimination": 16, "minibatch-stddev": 4}
"""Largest groups, as published for the standard deviation."""


def decide(draft: Draft, data: DataFacts, machine: MachineFacts) -> None:
    """Fill in what nobody asked for. Raises ConfigError if the classes asked for do not exist."""
    _data(draft, data, machine)
    _network(draft, machine)
    _game(draft, data, machine)
    _budget(draft)
    draft.default("average.half_life_images", 10_000.0, "a twentieth of the run at most, see ramp")
    draft.default("run.device", machine.device, machine.device_name)
    draft.default("run.picture_seconds", 15.0, "often enough to watch, too seldom to cost")


def _data(draft: Draft, data: DataFacts, machine: MachineFacts) -> None:
    draft.default("data.resolution", data.shape.resolution, "advised by the health report")
    draft.default("data.channels", data.shape.channels, "advised by the health report")
    draft.default("data.mirror", data.mirror_safe, data.mirror_reason)
    classes, least = len(data.class_names), min(data.class_counts, default=0)
    wise = 2 <= classes <= MOST_CLASSES and least >= LEAST_PER_CLASS
    reason = f"{classes} classes, the smallest of {least} pictures" if classes else "no classes"
    if "packing" in draft.remedy_kinds():
        wise, reason = False, "a pack mixes classes, so D cannot know them"
    draft.default("data.conditional", wise, reason)
    if draft.values["data.conditional"] and classes < 2:
        raise ConfigError(
            f"Class-conditional training was asked for ({draft.origins['data.conditional']}), but "
            f"the pictures have {'one class' if classes else 'no classes'}.",
            "Put the pictures of each class into a sub-folder of its own, or leave the option out.",
        )
    share = machine.memory_bytes // 4
    draft.default("data.memory_mb", max(64, share >> 20), "a quarter of the memory")


def _network(draft: Draft, machine: MachineFacts) -> None:
    draft.default("network.kind", "dcgan", "the best pictures per minute, see docs/benchmarks.md")
    draft.default("latent.dim", 64, "enough for small pictures")
    resolution, kind = draft.values["data.resolution"], draft.values["network.kind"]
    on_cpu = machine.device == "cpu"
    if kind == "dcgan":
        reason = f"for {resolution} px on {'a CPU' if on_cpu else machine.device_name}"
        width = 32 if on_cpu else 128
        draft.default("network.generator_width", width, reason)
        draft.default("network.discriminator_width", width, reason)
        most = 512 if not on_cpu else 128 if resolution <= 32 else 256
        draft.default("network.max_width", most, reason)
    if kind == "resnet":
        reason = f"affordable on {'a CPU' if on_cpu else machine.device_name}"
        width = 64 if not on_cpu else 32 if resolution <= 32 else 16
        draft.default("network.generator_width", width, reason)
        draft.default("network.discriminator_width", width, reason)
        draft.default("network.max_width", 256 if on_cpu else 512, reason)

    if kind == "r3":
        _r3(draft, resolution, on_cpu)
    if kind in EQUALISED:
        _equalised(draft, resolution, on_cpu)
    if kind == "style":
        reason = "affordable on a CPU" if on_cpu else "as published"
        draft.default("network.style_size", 128 if on_cpu else 512, reason)


def _equalised(draft: Draft, resolution: int, on_cpu: bool) -> None:
    """On a card as published (Karras et al. 2020, ADA, appendix C): 16,384 / resolution channels,
    twice that from 512 px on; on a processor what trains in an hour."""
    reason = f"affordable at {resolution} px on a CPU" if on_cpu else "as published"
    wide = 1024 if on_cpu else 16384 if resolution < 512 else 32768
    width = max(16, wide // resolution)
    draft.default("network.generator_width", width, reason)
    draft.default("network.discriminator_width", width, reason)
    draft.default("network.max_width", 128 if on_cpu else 512, reason)
    batch = 16 if on_cpu else min(32, 4096 // resolution)
    draft.default("budget.batch", batch, "many small steps in little time" if on_cpu else reason)


def _r3(draft: Draft, resolution: int, on_cpu: bool) -> None:
    """Huang et al. 2024: 768 channels up to 32 px, then half as many at each doubling."""
    width = min(768, 24576 // resolution)
    draft.default("network.generator_width", width, "as published")
    draft.default("network.discriminator_width", width, "as published")
    draft.default("network.max_width", 768, "as published")
    draft.default("budget.batch", 32 if on_cpu else 256, "affordable" if on_cpu else "as published")


def penalty_weight(
    kind: str, loss: str, resolution: int, network: str = "dcgan", variance: float = 0.0
) -> float:
    """gamma of R1 and R2, lambda of the others.

    gamma = 0.1 (resolution / 28)^4.75, from 0.1 to 5, goes through the two points that were
    measured, 0.1 at 28 px and 5 at 64 px; between and beyond it is a first guess: the squared
    gradient is a sum over the pixels, and the larger the picture, the easier D wins. At 16 px the
    bare formula (0.007) let D explode. The relativistic loss, which compares differences of
    logits, needed 1 at 28 px; (resolution / 28)^2 scales that with the pixels. Networks with
    equalised learning rates: (resolution / 64)^2, up to the 10 that StyleGAN2 was published with.

    With this loss and the network of `auto` gamma follows the pictures: GAMMA_PER_VARIANCE times
    their variance. A difference of logits is about the gradient times the distance of two pictures,
    so the same gamma per squared distance asks the same of D on any pictures, dark, small or with
    an empty ground.
    """
    if kind not in ("r1", "r2"):
        return 10.0
    if (loss, network) == FOLLOWING and variance:
        return float(f"{GAMMA_PER_VARIANCE * variance:.2g}")
    if loss == "relativistic":
        return round((resolution / 28) ** 2, 4)
    if network in EQUALISED:
        return round(min(10.0, (resolution / 64) ** 2), 4)
    return round(min(5.0, max(0.1, 0.1 * (resolution / 28) ** 4.75)), 4)


def _game(draft: Draft, data: DataFacts, machine: MachineFacts) -> None:
    resolution = draft.values["data.resolution"]
    if RELABELLING & draft.remedy_kinds():
        draft.default("game.loss", "non-saturating", "a loss whose labels can be changed")
    draft.default("game.loss", "relativistic", "with R1 and R2 the most varied, docs/notebook")
    small, on_cpu = resolution <= 32, machine.device == "cpu"
    size, reason = (
        (16, "many small steps in little time")
        if on_cpu
        else (64 if small else 32, "to fill a card")
    )
    draft.default("budget.batch", size, reason)
    for i, kind in draft.remedy_kinds_by_position():
        complete_remedy(draft, f"remedy.{i}", kind, data.variance)
    rate, reason = (2e-3 if small else 1e-3), f"as fast as it stays stable at {resolution} px"
    draft.default("optimiser.generator_rate", rate, reason)
    draft.default("optimiser.discriminator_rate", rate, reason)


def complete_remedy(draft: Draft, key: str, kind: str, variance: float = 0.0) -> None:
    """What nobody asked for of the remedy at `key`, 'remedy.2', from the settings around it and the
    pictures' variance, 0 where it is not known."""
    resolution, colour = draft.values["data.resolution"], draft.values["data.channels"] >= 3
    reason = f"for {resolution} px, see docs/presets.md"
    if kind in ("r1", "r2", "wgan-gp", "dragan"):
        network = draft.values["network.kind"]
        loss = draft.values["game.loss"]
        weight = penalty_weight(kind, loss, resolution, network, variance)
        if kind in ("r1", "r2") and (loss, network) == FOLLOWING and variance:
            why = f"the pictures' variance is {variance:,.0f}"
        else:
            why = reason
        draft.default(f"{key}.weight", weight, why)
    if kind in ("r1", "r2"):
        draft.default(f"{key}.every", 8 if resolution <= 32 else 4, reason)
    if kind in POLICIES:
        mirror = draft.values["data.mirror"]
        what = "colour" if colour else "grey"
        policy = [name for name in POLICIES[kind] if colour or name != "colour"]
        draft.default(
            f"{key}.policy",
            [*(["flip"] if mirror else []), *policy],
            f"{what} pictures that {'may' if mirror else 'must not'} be mirrored",
        )
    if kind in GROUPS:
        batch = draft.values["budget.batch"] // draft.values.get("budget.parts", 1) // _pack(draft)
        fits = [n for n in range(2, GROUPS[kind] + 1) if batch % n == 0]
        draft.default(f"{key}.group", max(fits, default=0), "divides the batch")


def _pack(draft: Draft) -> int:
    """How many pictures D judges at once."""
    sizes = [
        int(draft.values.get(f"remedy.{i}.size", 2))
        for i, kind in draft.remedy_kinds_by_position()
        if kind == "packing"
    ]
    return sizes[0] if sizes else 1


def _budget(draft: Draft) -> None:
    if any(f"budget.{unit}" in draft.values for unit in ("minutes", "images", "epochs")):
        return
    resolution = draft.values["data.resolution"]
    minutes = need_of(resolution).most_minutes
    draft.default("budget.minutes", minutes, f"at most, at {resolution} px")


def need_of(resolution: int) -> Need:
    return next(need for need in NEEDS if resolution <= need.largest_px)


def fit_budget(draft: Draft, images_per_second: float) -> None:
    """Give an automatic budget the minutes that this machine needs, within the bounds."""
    origin = draft.origins.get("budget.minutes")
    if origin is None or origin.source != "auto":
        return
    need = need_of(draft.values["data.resolution"])
    wanted = need.images / images_per_second / 60
    minutes = min(max(wanted, need.least_minutes), need.most_minutes)
    reason = f"{need.images:,} images at {images_per_second:,.0f} a second take {wanted:.1f}"
    if minutes != wanted:
        reason += f"; between {need.least_minutes:g} and {need.most_minutes:g}"
    draft.give("budget.minutes", round(minutes, 1), Origin("auto", reason))


def enrich(draft: Draft, machine: MachineFacts, images_per_second: float, count: int) -> bool:
    """Give D of the recipe of `auto` a hidden layer before its verdict, where the budget shows it
    as many images as pictures of their size need: with fewer it learns more slowly, with more a D
    without it is too small to see what G still draws wrong. count: pictures that are trained on.
    Returns whether it did: only where that was measured, on processors, from 17 to 32 px, with
    MANY pictures (docs/notebook/recipes.md)."""
    resolution = draft.values["data.resolution"]
    recipe = draft.values["game.loss"], draft.values["network.kind"]
    known = recipe == FOLLOWING and machine.device == "cpu" and 16 < resolution <= 32
    if not known or count < MANY or HIDDEN in draft.values:
        return False
    planned, need = _planned_images(draft, images_per_second, count), need_of(resolution).images
    if planned < ENOUGH * need:
        return False
    reason = f"the budget would show a D without it {planned:,.0f} images, {need:,} are needed"
    draft.default(HIDDEN, HIDDEN_WIDTH, reason)
    return True


def _planned_images(draft: Draft, images_per_second: float, count: int) -> float:
    asked = draft.values
    if asked.get("budget.minutes") is not None:
        return float(asked["budget.minutes"] * 60 * images_per_second)
    if asked.get("budget.images") is not None:
        return float(asked["budget.images"])
    return float((asked.get("budget.epochs") or 0) * count)


def advice(
    resolution: int, planned_images: int, images_per_second: float, *, on_cpu: bool = True
) -> tuple[str, ...]:
    """What a plan should say about its budget and about what was never measured."""
    need, said = need_of(resolution), []
    if planned_images < 0.8 * need.images:
        seconds = need.images / images_per_second
        known = "usually need" if need.measured else "need, by a first guess,"
        said.append(
            f"about {planned_images:,} images fit into this budget; pictures of this size {known} "
            f"about {need.images:,} to be varied: {duration(seconds)} (--minutes)."
        )
    if resolution > MEASURED_PX:
        said.append(f"the recipe was measured up to {MEASURED_PX} px; beyond, it is a guess.")
    if not on_cpu:
        said.append("the recipe was measured on processors; on a card it is a guess.")
    return tuple(said)
