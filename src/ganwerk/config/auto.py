"""Settings that follow from data and machine. Each is a default with a reason; whatever a preset, a
file or a flag says comes first. Torch-free.

The numbers were found by the runs in docs/benchmarks.md.
"""

from __future__ import annotations

from ganwerk.config.load import Draft
from ganwerk.errors import ConfigError
from ganwerk.values import DataFacts, MachineFacts

LEAST_PER_CLASS = 40  # pictures; below it a class cannot be told from its few examples
MOST_CLASSES = 200


def decide(draft: Draft, data: DataFacts, machine: MachineFacts) -> None:
    """Fill in what nobody asked for. Raises ConfigError if the classes asked for do not exist."""
    _data(draft, data, machine)
    _network(draft, data, machine)
    _game(draft)
    _optimiser(draft)
    _budget(draft, data, machine)
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
    draft.default("data.conditional", wise, reason)
    if draft.values["data.conditional"] and classes < 2:
        raise ConfigError(
            f"Class-conditional training was asked for ({draft.origins['data.conditional']}), but "
            f"the pictures have {'one class' if classes else 'no classes'}.",
            "Put the pictures of each class into a sub-folder of its own, or leave the option out.",
        )
    share = machine.memory_bytes // 4
    draft.default("data.memory_mb", max(64, share >> 20), "a quarter of the memory")


def _network(draft: Draft, data: DataFacts, machine: MachineFacts) -> None:
    draft.default("network.kind", "resnet", "the best pictures per minute, see docs/benchmarks.md")
    draft.default("latent.dim", 64, "enough for small pictures")
    if draft.values["network.kind"] != "resnet":
        return
    width, most = (64, 512) if machine.device != "cpu" else (32, 256)
    reason = f"affordable on {machine.device}"
    draft.default("network.generator_width", width, reason)
    draft.default("network.discriminator_width", width, reason)
    draft.default("network.max_width", most, reason)


def penalty_weight(kind: str, resolution: int, batch: int) -> float:
    """gamma of R1 and R2, lambda of the others."""
    if kind not in ("r1", "r2"):
        return 10.0
    return round(0.02 * resolution**2 / batch, 4)


def _game(draft: Draft) -> None:
    draft.default("game.loss", "relativistic", "it covers all the data (R3GAN)")
    draft.default("budget.batch", 64, "small steps suit small machines")
    for i in draft.remedies():
        kind = draft.values[f"remedy.{i}.kind"]
        if kind == "weight-clip":
            continue
        weight = penalty_weight(kind, draft.values["data.resolution"], draft.values["budget.batch"])
        draft.default(f"remedy.{i}.weight", weight, "by resolution and batch, see docs/presets.md")


def _optimiser(draft: Draft) -> None:
    reason = "as fast as these networks stay stable"
    draft.default("optimiser.generator_rate", 1e-3, reason)
    draft.default("optimiser.discriminator_rate", 1e-3, reason)


def _budget(draft: Draft, data: DataFacts, machine: MachineFacts) -> None:
    if any(f"budget.{unit}" in draft.values for unit in ("minutes", "images", "epochs")):
        return
    resolution = draft.values["data.resolution"]
    minutes = 10.0 if resolution <= 32 else 20.0 if resolution <= 64 else 60.0
    draft.default("budget.minutes", minutes, f"good pictures at {resolution} px")
