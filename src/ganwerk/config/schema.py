"""Every setting of a run, with its type, unit and meaning. Torch-free.

A setting without a default here is decided from data and machine (config/auto.py) unless a preset,
a file or a flag gives it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ganwerk.checks import MOST_EPOCHS, MOST_IMAGES, MOST_MINUTES
from ganwerk.config.remedies import REMEDIES, RemedySettings
from ganwerk.config.section import MOST, Section

Positive = Annotated[int, Field(gt=0, le=MOST)]
Layers = Annotated[int, Field(gt=0, le=1000)]
NotNegative = Annotated[int, Field(ge=0, le=MOST)]
Images = Annotated[int, Field(ge=0, le=MOST_IMAGES)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]

__all__ = ["BUDGETS", "NETWORKS", "REMEDIES", "SECTIONS", "Section", "Settings"]


class DataSettings(Section):
    where: str = Field(description="folder, zip, IDX file or named set the pictures come from")
    root: str | None = Field(None, description="folder that holds the files of a named set")
    resolution: Annotated[int, Field(ge=16, le=1024)] = Field(description="side of a picture in px")
    channels: Literal[1, 3, 4] = Field(description="1 grey, 3 colour, 4 colour with transparency")
    fit: Literal["crop", "pad"] = Field("crop", description="how a picture becomes square")
    mirror: bool = Field(description="show each picture mirrored half of the time")
    conditional: bool = Field(description="teach the networks the classes of the pictures")
    rename: tuple[str, ...] = Field(
        (), max_length=65_536, description="classes under other names, old=new; one name, one class"
    )
    window: NotNegative = Field(
        0, description="shards whose pictures are shuffled together; 0: all"
    )
    cache_mb: Positive = Field(
        10_240, description="MiB of the disk that shards from elsewhere may take"
    )
    memory_mb: Positive = Field(description="pictures above this many MiB stay on the disk")


class MlpSettings(Section):
    kind: Literal["mlp"] = Field("mlp", description="multi-layer perceptrons")
    generator_widths: tuple[Positive, ...] = Field(
        (256, 512), min_length=1, max_length=1000, description="hidden layers of G"
    )
    discriminator_widths: tuple[Positive, ...] = Field(
        (512, 256), min_length=1, max_length=1000, description="hidden layers of D"
    )
    init: Literal["he", "dcgan", "torch"] = Field("torch", description="how weights begin")


class DcganSettings(Section):
    kind: Literal["dcgan"] = Field("dcgan", description="plain convolutions")
    generator_width: Positive = Field(64, description="channels of G at half the resolution")
    discriminator_width: Positive = Field(64, description="channels of D at half the resolution")
    max_width: Positive = Field(512, description="most channels of any layer")
    generator_norm: Literal["batch", "spectral", "none"] = Field(
        "batch", description="normalisation of G"
    )
    discriminator_norm: Literal["batch", "spectral", "none"] = Field(
        "none", description="normalisation of D"
    )
    discriminator_features: NotNegative = Field(
        0, description="width of D's last hidden layer, 0 for none"
    )
    up: Literal["transposed", "folded", "upsample"] = Field(
        "upsample", description="how G doubles the size"
    )
    down: Literal["strided", "pool"] = Field("pool", description="how D halves the size")
    init: Literal["he", "smooth", "dcgan", "torch"] = Field("he", description="how weights begin")


class ResnetSettings(Section):
    kind: Literal["resnet"] = Field("resnet", description="residual, without normalisation")
    generator_width: Positive = Field(description="channels of G at full resolution")
    discriminator_width: Positive = Field(description="channels of D at full resolution")
    max_width: Positive = Field(description="most channels of any stage")
    generator_blocks: Layers = Field(1, description="residual blocks per stage of G")
    discriminator_blocks: Layers = Field(1, description="residual blocks per stage of D")


class R3Settings(Section):
    kind: Literal["r3"] = Field("r3", description="R3GAN's grouped bottlenecks")
    generator_width: Positive = Field(description="channels of G at full resolution")
    discriminator_width: Positive = Field(description="channels of D at full resolution")
    max_width: Positive = Field(description="most channels of any stage")
    blocks: Layers = Field(2, description="residual blocks per stage")
    recompute_px: NotNegative = Field(
        0, description="stages of this size and above are computed twice to save memory; 0: none"
    )


class StyleSettings(Section):
    kind: Literal["style"] = Field("style", description="a style for each layer, and noise")
    generation: Literal["revised", "first"] = Field(
        "revised", description="styles scale weights (2020), or channels are normalised (2019)"
    )
    generator_width: Positive = Field(description="channels of G at full resolution")
    discriminator_width: Positive = Field(description="channels of D at full resolution")
    max_width: Positive = Field(description="most channels of any stage")
    style_size: Positive = Field(description="how many numbers a style has")
    mapping_layers: Layers = Field(2, description="layers from latent to style")
    mixing: Share = Field(0.9, description="share of fakes whose layers mix two styles")
    path_weight: Annotated[float, Field(ge=0)] = Field(
        0.0, description="how much equal steps of a style are to change the picture equally"
    )
    path_every: Positive = Field(4, description="measured every so many steps")
    group: NotNegative = Field(
        4, description="samples whose differences D sees; 1: none, 0: the whole batch"
    )
    recompute_px: NotNegative = Field(
        0, description="stages of this size and above are computed twice to save memory; 0: none"
    )


class ScalesSettings(Section):
    generator_width: Positive = Field(description="channels of G at full resolution")
    discriminator_width: Positive = Field(description="channels of D at full resolution")
    max_width: Positive = Field(description="most channels of any stage")
    group: NotNegative = Field(
        4, description="samples whose differences D sees; 1: none, 0: the whole batch"
    )


class ProgressiveSettings(ScalesSettings):
    kind: Literal["progressive"] = Field("progressive", description="grown stage by stage")
    growing: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="share of the run in which the networks grow"
    )
    phase_images: Images = Field(
        0, description="images a stage fades in, and as many it trains; 0: by `growing`"
    )

    stage_rates: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (), description="factors on the learning rates, one for each stage; none: 1"
    )
    stage_batches: tuple[Positive, ...] = Field(
        (), description="batches per update, one for each stage; none: 1"
    )


class MultiScaleSettings(ScalesSettings):
    kind: Literal["multi-scale"] = Field(
        "multi-scale", description="a picture at every resolution at once"
    )


NetworkSettings = Annotated[
    MlpSettings
    | DcganSettings
    | ResnetSettings
    | R3Settings
    | StyleSettings
    | ProgressiveSettings
    | MultiScaleSettings,
    Field(discriminator="kind"),
]


class LatentSettings(Section):
    kind: Literal["gaussian", "uniform", "sphere", "truncated"] = Field(
        "gaussian", description="distribution of G's inputs"
    )
    dim: Positive = Field(description="how many numbers G starts from")


class GameSettings(Section):
    loss: Literal[
        "minimax", "non-saturating", "least-squares", "wasserstein", "hinge", "relativistic"
    ] = Field(description="what the players minimise")
    d_steps: Layers = Field(1, description="updates of D per step")
    g_steps: Layers = Field(1, description="updates of G per step")
    reuse_fakes: bool = Field(True, description="G learns from the fakes D has just judged")


class OptimiserSettings(Section):
    kind: Literal["adam", "rmsprop", "sgd"] = Field(
        "adam", description="how gradients become steps"
    )
    generator_rate: Rate = Field(description="learning rate of G")
    discriminator_rate: Rate = Field(description="learning rate of D")
    beta1: Beta = Field(0.0, description="memory of Adam's mean, momentum of the others")
    beta2: Beta = Field(0.99, description="memory of the squared gradient (Adam, RMSprop)")


class ScheduleSettings(Section):
    kind: Literal["constant", "linear", "cosine"] = Field(
        "constant", description="shape of the learning rates"
    )
    hold: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of the run before they fall"
    )
    floor: Share = Field(0.0, description="what is left of them at the end")
    warmup_images: Annotated[int, Field(ge=0)] = Field(
        0, description="images in which they rise from nothing"
    )


class AverageSettings(Section):
    half_life_images: Annotated[float, Field(ge=0)] = Field(
        description="memory of the averaged generator, in images"
    )
    ramp: Annotated[float, Field(gt=0)] = Field(
        0.05, description="half-life is at most this share of the images seen"
    )


class BudgetSettings(Section):
    minutes: Annotated[float, Field(gt=0, le=MOST_MINUTES)] | None = Field(
        None, description="train for so many minutes"
    )
    images: Annotated[int, Field(gt=0, le=MOST_IMAGES)] | None = Field(
        None, description="train until D has seen so many pictures"
    )
    epochs: Annotated[float, Field(gt=0, le=MOST_EPOCHS)] | None = Field(
        None, description="pass so often over the pictures"
    )
    batch: Annotated[int, Field(ge=2, le=1_000_000)] = Field(description="pictures per update")
    parts: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        1, description="parts of a batch, each played by itself; processes share them"
    )
    micro_batch: NotNegative | None = Field(
        None,
        description="pictures computed at a time; 0: all; not given: what memory allows",
    )


class RunSettings(Section):
    seed: Annotated[int, Field(ge=0, lt=2**62)] = Field(
        0, description="everything random follows from it"
    )
    device: str = Field(description="cpu, cuda, cuda:1, mps")
    precision: Literal["measured", "float32", "bfloat16"] = Field(
        "measured",
        description="arithmetic of the layers; measured: what a test at start finds faster",
    )
    checkpoint_minutes: Annotated[float, Field(gt=0, le=MOST_MINUTES)] = Field(
        5.0, description="time between checkpoints"
    )
    keep_checkpoints: Annotated[int, Field(ge=2, le=MOST)] = Field(
        3, description="checkpoints kept, newest first"
    )
    picture_seconds: Annotated[float, Field(gt=0, le=60 * MOST_MINUTES)] = Field(
        description="time between sample grids; at first more often"
    )
    measure: bool = Field(True, description="measure the pictures every fiftieth of the run")
    doctor: Literal["watch", "treat", "sham", "off"] = Field(
        "watch",
        description="look for what goes wrong and say it, treat it too, or not at all; sham: "
        "treatments that change nothing, to measure",
    )
    most_treatments: Annotated[int, Field(ge=0, le=100)] = Field(
        3, description="treatments tried in a run at most"
    )
    tensorboard: bool = Field(False, description="also log for TensorBoard")


class TransferSettings(Section):
    """Of a run that began with the weights of another."""

    run: str = Field(description="the run whose weights this one began with")
    images: Images = Field(description="how many that one had seen")
    freeze: NotNegative = Field(0, description="layers of D that stay, lowest first")


class Settings(Section):
    """The resolved settings of a run: what run.toml holds."""

    preset: str = Field("auto", description="the named starting point of these settings")
    data: DataSettings
    network: NetworkSettings
    latent: LatentSettings
    game: GameSettings
    remedy: tuple[RemedySettings, ...] = Field(
        (), description="what is added to the game, in order"
    )
    optimiser: OptimiserSettings
    schedule: ScheduleSettings = ScheduleSettings.model_validate({})
    average: AverageSettings
    budget: BudgetSettings
    run: RunSettings
    transfer: TransferSettings | None = Field(None, description="where its weights came from")


NETWORKS: dict[str, type[Section]] = {
    "mlp": MlpSettings,
    "dcgan": DcganSettings,
    "resnet": ResnetSettings,
    "r3": R3Settings,
    "style": StyleSettings,
    "progressive": ProgressiveSettings,
    "multi-scale": MultiScaleSettings,
}
SECTIONS: dict[str, type[Section]] = {
    "data": DataSettings,
    "latent": LatentSettings,
    "game": GameSettings,
    "optimiser": OptimiserSettings,
    "schedule": ScheduleSettings,
    "average": AverageSettings,
    "budget": BudgetSettings,
    "run": RunSettings,
    "transfer": TransferSettings,
}
BUDGETS = ("minutes", "images", "epochs")
FREE = frozenset(
    {
        "data.where",
        "data.root",
        "data.memory_mb",
        "data.cache_mb",
        "run.device",
        "run.checkpoint_minutes",
        "run.keep_checkpoints",
        "run.picture_seconds",
        "run.measure",
        "run.doctor",
        "run.most_treatments",
        "run.tensorboard",
    }
)
"""Settings that are no part of what is computed: a run may go on with other ones."""
