"""The settings of each remedy. Torch-free.

They are the keyword arguments of the constructors in ganwerk.game.remedies, by the same names and
with the same defaults; a test compares them.
"""

from __future__ import annotations

import tomllib
from typing import Annotated, Any, Literal

from pydantic import Field

from ganwerk.config.section import MOST, Section
from ganwerk.errors import ConfigError, did_you_mean

Positive = Annotated[int, Field(gt=0, le=MOST)]
Small = Annotated[int, Field(gt=0, le=10_000)]
Above0 = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
BelowHalf = Annotated[float, Field(ge=0, lt=0.5)]
Transform = Literal["flip", "turn", "translation", "scale", "rotation", "colour", "cutout", "noise"]
Policy = Annotated[tuple[Transform, ...], Field(min_length=1)]


class UnrolledSettings(Section):
    kind: Literal["unrolled"] = Field("unrolled", description="G plays against D some steps ahead")
    steps: Annotated[int, Field(ge=0, le=10)] = Field(5, description="updates of D looked ahead")
    first_order: bool = Field(
        False, description="cut the gradient through D's updates, to see the difference"
    )
    objective: Literal["own", "value"] = Field(
        "own", description="G minimises its own loss, or the value of the game as in the paper"
    )


class ReplaySettings(Section):
    kind: Literal["replay"] = Field("replay", description="D also sees what G drew earlier")
    size: Positive = Field(512, description="pictures in the pool")
    share: Share = Field(0.25, description="share of D's fakes that are old ones")
    span_images: Above0 = Field(50_000.0, description="images over which the pool reaches back")
    half_life_images: NotNegative = Field(
        20_000.0, description="a picture older by this is half as likely; 0: all alike"
    )


class MinibatchDiscriminationSettings(Section):
    kind: Literal["minibatch-discrimination"] = Field(
        "minibatch-discrimination", description="D sees how close samples are to each other"
    )
    kernels: Small = Field(50, description="how many closenesses are learned")
    dim: Small = Field(5, description="numbers compared per closeness")
    group: Annotated[int, Field(ge=0, le=MOST)] = Field(
        16, description="samples that are compared with each other; 0: the whole batch"
    )


class MinibatchStddevSettings(Section):
    kind: Literal["minibatch-stddev"] = Field(
        "minibatch-stddev", description="D sees how much the samples of a group differ"
    )
    group: Annotated[int, Field(ge=0, le=MOST)] = Field(
        4, description="samples per group; 0: the whole batch"
    )


class PackingSettings(Section):
    kind: Literal["packing"] = Field("packing", description="D judges several samples at once")
    size: Annotated[int, Field(ge=2, le=1000)] = Field(2, description="samples per pack")


class TwoRatesSettings(Section):
    kind: Literal["two-rates"] = Field("two-rates", description="different rates for G and D")
    generator: Above0 = Field(0.5, description="factor on G's learning rate")
    discriminator: Above0 = Field(2.0, description="factor on D's learning rate")


class StepsSettings(Section):
    kind: Literal["steps"] = Field("steps", description="several updates of D or G per step")
    d: Annotated[int, Field(gt=0, le=1000)] = Field(1, description="updates of D")
    g: Annotated[int, Field(gt=0, le=1000)] = Field(1, description="updates of G")


class SkipSettings(Section):
    kind: Literal["skip"] = Field("skip", description="a player that is far ahead rests")
    d_below: NotNegative = Field(
        0.3, description="D rests below this share of its loss at the equilibrium; 0: never"
    )
    g_below: NotNegative = Field(
        0.0, description="G rests below this share of its loss at the equilibrium; 0: never"
    )
    half_life_steps: Above0 = Field(10.0, description="memory of the smoothed losses, in steps")


class BalanceSettings(Section):
    kind: Literal["balance"] = Field(
        "balance", description="D's learning rate follows how strong it is"
    )
    signal: Literal["accuracy", "gap"] = Field(
        "accuracy", description="how often D is right, or how far apart its logits are"
    )
    low: float | None = Field(None, description="below it D's rate rises (accuracy: 0.6, gap: 0.5)")
    high: float | None = Field(None, description="above it D's rate falls (accuracy: 0.85, gap: 2)")
    every: Positive = Field(8, description="measured every so many steps")
    speed: Above0 = Field(0.1, description="change of the logarithm of the factor at a time")
    most: Annotated[float, Field(ge=1)] = Field(
        16.0, description="largest factor on D's rate, and one over the smallest"
    )


class PenaltySettings(Section):
    kind: Literal["r1", "r2", "wgan-gp", "dragan"] = Field(description="gradient penalty on D")
    weight: NotNegative = Field(description="gamma of r1 and r2, lambda of the others")
    every: Positive = Field(1, description="due every so many steps, then counted as often")
    fade: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="share of the weight left at the end of the run"
    )


class ClipSettings(Section):
    kind: Literal["weight-clip"] = Field("weight-clip", description="keep D's weights in a box")
    bound: Above0 = Field(0.01, description="largest absolute weight of D")


class SpectralNormSettings(Section):
    kind: Literal["spectral-norm"] = Field(
        "spectral-norm", description="no layer of D may stretch its input"
    )
    iterations: Positive = Field(1, description="power iterations per forward pass")


class InstanceNoiseSettings(Section):
    kind: Literal["instance-noise"] = Field(
        "instance-noise", description="noise on what D sees, falling to none"
    )
    std: NotNegative = Field(0.1, description="its standard deviation at first; pictures span 2")
    until: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="share of the run at which it has gone"
    )


class LabelSmoothingSettings(Section):
    kind: Literal["label-smoothing"] = Field(
        "label-smoothing", description="D is to be a little less sure of reals"
    )
    amount: BelowHalf = Field(0.1, description="how much less")


class LabelFlippingSettings(Section):
    kind: Literal["label-flipping"] = Field(
        "label-flipping", description="D is told the wrong thing now and then"
    )
    probability: BelowHalf = Field(0.05, description="how often")


class DiffAugmentSettings(Section):
    kind: Literal["diffaugment"] = Field(
        "diffaugment", description="D sees all pictures changed at random"
    )
    policy: Policy = Field(
        ("colour", "translation", "cutout"), description="the changes, joined by +"
    )


class AdaSettings(Section):
    kind: Literal["ada"] = Field("ada", description="as much augmentation as D overfits")
    policy: Policy = Field(
        ("translation", "scale", "colour"), description="the changes, joined by +"
    )
    target: Annotated[float, Field(gt=-1, lt=1)] = Field(
        0.6, description="E sign(D(x)) that is aimed at"
    )
    cap: Share = Field(0.8, description="largest probability of a change")
    speed_images: Above0 = Field(
        100_000.0, description="images in which the probability could go from 0 to 1"
    )
    every: Positive = Field(4, description="adapted every so many steps")


class EmaSettings(Section):
    kind: Literal["ema"] = Field("ema", description="sample the averaged generator")
    half_life_images: NotNegative = Field(
        10_000.0, description="memory of the average, in images; 0: none"
    )
    ramp: Above0 = Field(0.05, description="half-life is at most this share of the images seen")


class OptimisticSettings(Section):
    kind: Literal["optimistic"] = Field(
        "optimistic", description="the newest step twice, less the one before"
    )


class ExtraGradientSettings(Section):
    kind: Literal["extra-gradient"] = Field(
        "extra-gradient", description="look one step ahead, go back, step with what was found"
    )


class LeCamSettings(Section):
    kind: Literal["lecam"] = Field("lecam", description="D's verdicts stay near their averages")
    weight: NotNegative = Field(0.3, description="how strongly")
    decay: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.99, description="memory of the averages, per step"
    )


RemedySettings = Annotated[
    UnrolledSettings
    | ReplaySettings
    | MinibatchDiscriminationSettings
    | MinibatchStddevSettings
    | PackingSettings
    | TwoRatesSettings
    | StepsSettings
    | SkipSettings
    | BalanceSettings
    | PenaltySettings
    | ClipSettings
    | SpectralNormSettings
    | InstanceNoiseSettings
    | LabelSmoothingSettings
    | LabelFlippingSettings
    | DiffAugmentSettings
    | AdaSettings
    | EmaSettings
    | OptimisticSettings
    | ExtraGradientSettings
    | LeCamSettings,
    Field(discriminator="kind"),
]

REMEDIES: dict[str, type[Section]] = {
    "unrolled": UnrolledSettings,
    "replay": ReplaySettings,
    "minibatch-discrimination": MinibatchDiscriminationSettings,
    "minibatch-stddev": MinibatchStddevSettings,
    "packing": PackingSettings,
    "two-rates": TwoRatesSettings,
    "steps": StepsSettings,
    "skip": SkipSettings,
    "balance": BalanceSettings,
    "r1": PenaltySettings,
    "r2": PenaltySettings,
    "wgan-gp": PenaltySettings,
    "dragan": PenaltySettings,
    "weight-clip": ClipSettings,
    "spectral-norm": SpectralNormSettings,
    "instance-noise": InstanceNoiseSettings,
    "label-smoothing": LabelSmoothingSettings,
    "label-flipping": LabelFlippingSettings,
    "diffaugment": DiffAugmentSettings,
    "ada": AdaSettings,
    "ema": EmaSettings,
    "optimistic": OptimisticSettings,
    "extra-gradient": ExtraGradientSettings,
    "lecam": LeCamSettings,
}


PENALTIES = {
    "r1": "D's slope at reals is kept small",
    "r2": "D's slope at fakes is kept small",
    "wgan-gp": "D's slope between reals and fakes is drawn to 1",
    "dragan": "D's slope around reals is drawn to 1",
}


def describe(name: str) -> str:
    """A remedy in a few words."""
    return PENALTIES.get(name) or str(REMEDIES[name].model_fields["kind"].description)


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the settings of a remedy that was written as name:key=value,key=value.

    Lists are joined by +. Raises ConfigError for an unknown name or setting; values are checked
    later, with all others.
    """
    name, _, rest = text.strip().partition(":")
    if name not in REMEDIES:
        raise ConfigError(f"There is no remedy '{name}'.", did_you_mean(name, REMEDIES))
    given: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = (word.strip() for word in part.partition("="))
        if not equals:
            raise ConfigError(
                f"'{part}' in the remedy '{text}' has no '='.",
                f"Write it as {name}:{part}=VALUE; several settings are divided by commas.",
            )
        check_setting(name, key)
        given[key] = _value(value, is_list=_is_list(name, key))
    return name, given


def check_setting(name: str, key: str) -> None:
    """Raises ConfigError if the remedy has no such setting."""
    known = [field for field in REMEDIES[name].model_fields if field != "kind"]
    if key in known:
        return
    if not known:
        raise ConfigError(f"The remedy '{name}' has no settings.", f"Write just {name}.")
    raise ConfigError(f"The remedy '{name}' has no setting '{key}'.", did_you_mean(key, known))


def _is_list(name: str, key: str) -> bool:
    return isinstance(REMEDIES[name].model_fields[key].default, tuple)


def _value(text: str, *, is_list: bool) -> Any:
    if is_list:
        return [word.strip() for word in text.split("+")]
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # no TOML, or a number of thousands of digits
        return text  # a bare word is a string
