"""What is minimised and how, as one value; and the published recipes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ganwerk import checks
from ganwerk.errors import ConfigError, did_you_mean
from ganwerk.style.backbones import INPUTS, PADDINGS, POOLINGS, architecture
from ganwerk.style.colours import COLOURS
from ganwerk.style.losses import CONTENT_SCALES, STYLE_SCALES, VARIATIONS, weights_of_strength
from ganwerk.style.optimisers import OPTIMISERS
from ganwerk.style.statistics import STATISTICS


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides the result, besides the pictures.

    backbone, content_layers, style_layers: what is compared; () are the backbone's own layers.
    statistic: gram, moments or sliced. layer_weights: one per style layer; () are equal.
    patch_weight: of the distribution of pixel patches, against all style layers together.
    strength: 0 to 1, or None where content_weight and style_weight are given.
    content_scale, style_scale, variation: how the losses are scaled, see style/losses.py.
    style_size: size of the style's strokes against the content; 1 scales both pictures alike.
    size_px: long side of the result; None keeps the photo's, at most 512.
    smallest_px: long side at the coarsest scale; 0 has one scale only.
    steps: closures at the finest scale; coarser scales take more, finer ones than 512 px fewer.
    rate: of the optimiser, in units of the picture's range. unit: that range, 1 or 255.
    average: memory of the averaged iterates that become the result, 0 is none.
    recolour: whether the content loss sees the photo in the style's colours.
    start: content, noise, style or a path. noise_mean, noise_spread: added to the start.
    """

    preset: str = "default"
    backbone: str = "compact"
    content_layers: tuple[str, ...] = ()
    style_layers: tuple[str, ...] = ()
    layer_weights: tuple[float, ...] = ()
    statistic: str = "moments"
    strength: float | None = 0.5
    content_weight: float = 1.0
    style_weight: float = 1.0
    patch_weight: float = 1.0
    tv_weight: float = 0.05
    content_scale: str = "relative"
    style_scale: str = "relative"
    variation: str = "mean"
    style_size: float = 1.0
    size_px: int | None = None
    smallest_px: int = 192
    steps: int = 60
    optimiser: str = "adam"
    rate: float = 0.02
    beta1: float = 0.9
    beta2: float = 0.99
    eps: float = 1e-8
    history: int = 10
    unit: float = 1.0
    clamp: bool = True
    average: float = 0.95
    start: str = "content"
    noise_mean: float = 0.0
    noise_spread: float = 0.0
    pooling: str = "average"
    padding: str = "replicate"
    pixels: str = "standard"
    colours: str = "style"
    recolour: bool = True
    seed: int = 0

    @property
    def weights(self) -> tuple[float, float]:
        """Of content and style."""
        if self.strength is None:
            return self.content_weight, self.style_weight
        return weights_of_strength(self.strength)

    def complete(self) -> Recipe:
        """With the backbone's own layers where none are named, under their names there.

        Raises ConfigError for whatever cannot be computed.
        """
        made = architecture(self.backbone)
        content = self.content_layers or made.content_layers
        style = self.style_layers or made.style_layers
        recipe = replace(
            self,
            content_layers=tuple(made.named(layer) for layer in content),
            style_layers=tuple(made.named(layer) for layer in style),
            layer_weights=self.layer_weights or (1.0,) * len(style),
        )
        _check(recipe)
        return recipe


_CHOICES: dict[str, Mapping[str, Any] | tuple[str, ...]] = {
    "statistic": STATISTICS, "content_scale": CONTENT_SCALES, "style_scale": STYLE_SCALES,
    "variation": VARIATIONS, "optimiser": OPTIMISERS, "pooling": POOLINGS, "padding": PADDINGS,
    "pixels": INPUTS, "colours": COLOURS,
}  # fmt: skip
_NOT_NEGATIVE = (
    "content_weight",
    "style_weight",
    "tv_weight",
    "patch_weight",
    "noise_spread",
    "smallest_px",
)
_POSITIVE = ("style_size", "steps", "rate", "history")
LEAST_PX, MOST_PX = 32, 16_384
_FLAGS = {
    "style_size": "style-scale", "size_px": "size", "smallest_px": "smallest", "start": "init"
}  # fmt: skip
MOST_SEED = 2**63
MOST_WEIGHT = 1e20
"""float32 ends at 3e38, and a weight is multiplied with losses and gradients."""

_MOST: dict[str, float] = {
    "style_size": 100, "steps": 1_000_000, "rate": 1e6, "history": 1000, "smallest_px": MOST_PX,
    "noise_spread": 1e6,
}  # fmt: skip


def _check(recipe: Recipe) -> None:
    for field, options in _CHOICES.items():
        value = getattr(recipe, field)
        if value not in options:
            raise ConfigError(f"There is no {field} '{value}'.", did_you_mean(value, options))
    for field in (*_NOT_NEGATIVE, *_POSITIVE):
        value = getattr(recipe, field)
        low = value < 0 or (field in _POSITIVE and value == 0)
        most = _MOST.get(field, MOST_WEIGHT)
        if low or not value <= most:
            name = _FLAGS.get(field, field.replace("_", "-"))
            bound = "above 0" if field in _POSITIVE else "of 0 or more"
            raise ConfigError(
                f"--{name} cannot be {value:g}.", f"Give a number {bound}, at most {most:g}."
            )
    _ = recipe.weights  # refuses a strength outside 0 to 1
    if len(recipe.layer_weights) != len(recipe.style_layers):
        raise ConfigError(
            f"--layer-weights gives {len(recipe.layer_weights)} numbers for "
            f"{len(recipe.style_layers)} style layers.",
            f"Give one for each of {', '.join(recipe.style_layers)}.",
        )
    if not all(0 <= weight <= MOST_WEIGHT for weight in recipe.layer_weights):
        given = ",".join(f"{weight:g}" for weight in recipe.layer_weights)
        raise ConfigError(
            f"--layer-weights cannot be {given}.", f"Give numbers from 0 to {MOST_WEIGHT:g}."
        )
    if not any(recipe.layer_weights):
        raise ConfigError(
            "All layer weights are 0, so that no style is left.", "Give one of them at least 1."
        )
    if recipe.size_px is not None and not LEAST_PX <= recipe.size_px <= MOST_PX:
        raise ConfigError(
            f"--size cannot be {recipe.size_px}.", f"Give {LEAST_PX} to {MOST_PX:,} px."
        )
    if recipe.optimiser == "lbfgs" and not STATISTICS[recipe.statistic].deterministic:
        raise ConfigError(
            f"L-BFGS cannot descend '{recipe.statistic}', which draws anew in each step.",
            "Use --optimiser adam, or --statistic moments.",
        )


_PUBLISHED = Recipe(
    statistic="gram", patch_weight=0.0, strength=None, smallest_px=0, clamp=False, average=0.0,
    padding="zeros", pixels="255", content_scale="half-sum", recolour=False,
)  # fmt: skip
"""What the published recipes have in common."""

_GATYS = replace(
    _PUBLISHED, preset="gatys", backbone="vgg19", content_layers=("relu4_2",),
    content_weight=1.0, style_weight=1e3, tv_weight=0.0, style_scale="gatys", optimiser="lbfgs",
    rate=1.0, history=100, unit=255.0, steps=500, start="noise", noise_spread=1.0,
)  # fmt: skip

_NEURAL_STYLE = replace(
    _PUBLISHED, preset="neural-style", backbone="vgg19", content_layers=("relu4_2",),
    content_weight=5.0, style_weight=1e2, tv_weight=1e-3, content_scale="mean",
    style_scale="johnson", variation="half-sum", optimiser="lbfgs", rate=1.0, history=100,
    unit=255.0, size_px=512, steps=1000, start="noise", noise_spread=0.001, pooling="max",
)  # fmt: skip

_TENSORFLOW_NOISE = replace(
    _PUBLISHED, preset="tensorflow-noise", backbone="vgg16",
    content_layers=("block4_conv2",),
    style_layers=("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1"),
    content_weight=2.0, style_weight=1.0, tv_weight=0.0, style_scale="mean",
    variation="absolute", optimiser="adam-keras", rate=0.002, beta1=0.99, beta2=0.999, eps=0.1,
    size_px=256, steps=1000, start="uniform", pooling="max",
)  # fmt: skip

PRESETS: dict[str, Recipe] = {
    recipe.preset: recipe
    for recipe in (
        Recipe(),
        _GATYS,
        _NEURAL_STYLE,
        _TENSORFLOW_NOISE,
        replace(
            _TENSORFLOW_NOISE, preset="tensorflow", content_weight=1.0, style_weight=150.0,
            tv_weight=30.0, start="content", noise_mean=-0.3, noise_spread=0.3,
        ),
    )
}  # fmt: skip
"""gatys: Gatys, Ecker and Bethge 2016. neural-style: Johnson's Torch code. tensorflow and
tensorflow-noise: the second and the first run of Microsoft's lesson in TensorFlow."""

NOISE_SPREAD = 0.15
"""Of the noise that a descent starts from, where nothing else is said."""

NOISE_SMALLEST_PX = 64
"""Where a descent from noise begins: at larger scales nothing arranges it on the large scale, and
the distance to the painting stays twice as large (docs/benchmarks.md)."""

RATES = {"adam": 0.02, "adam-keras": 0.002, "lbfgs": 1.0, "gradient": 0.0005}
"""Of an optimiser that takes the place of a preset's, where no rate is given."""

FIELDS = tuple(field.name for field in fields(Recipe))
_KINDS: dict[str, type] = {name: type(getattr(PRESETS["default"], name)) for name in FIELDS} | {
    "size_px": int
}
_OPTIONAL = ("size_px", "strength")


def _weights(value: Any, flag: str) -> tuple[float, ...]:
    """Of layers: text '1,1,0.5', one number, or several."""
    try:
        parts = checks.names(value, flag, ",") if isinstance(value, str) else np.ravel(value)
        return tuple(float(part) for part in parts)
    except (TypeError, ValueError):
        raise ConfigError(
            f"{flag} cannot be {checks.given(value)}.",
            "Give numbers with commas between: 1,1,0.5",
        ) from None


def settings_of(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes of a recipe as its fields hold them: Python's numbers, names and tuples of them.

    Raises ConfigError for a value of another kind."""
    found: dict[str, Any] = {}
    for name, value in changes.items():
        flag, kind = f"--{_FLAGS.get(name, name.replace('_', '-'))}", _KINDS[name]
        if name == "layer_weights":
            found[name] = _weights(value, flag)
        elif kind is tuple:
            found[name] = checks.names(value, flag, ",")
        elif value is None and name in _OPTIONAL:
            found[name] = None
        elif kind is int:
            found[name] = checks.whole(value, flag, least=-MOST_SEED, most=MOST_SEED)
        elif kind is float:
            found[name] = checks.amount(value, flag, least=-math.inf)
        elif isinstance(value, kind):
            found[name] = value
        else:
            what = "true or false" if kind is bool else "a name"
            raise ConfigError(f"{flag} cannot be {checks.given(value)}.", f"Give {what}.")
    return found


def recipe_of(preset: str = "default", **changes: Any) -> Recipe:
    """A preset with changes. A weight of content or style takes the place of the strength.

    Raises ConfigError for unknown names and for values that cannot be.
    """
    if preset not in PRESETS:
        raise ConfigError(f"There is no preset '{preset}'.", did_you_mean(preset, PRESETS))
    for name in changes:
        if name not in FIELDS:
            raise ConfigError(f"There is no setting '{name}'.", did_you_mean(name, FIELDS))
    changes = settings_of(changes)
    weighted = {"content_weight", "style_weight"} & set(changes)
    if weighted and changes.get("strength") is not None:
        raise ConfigError(
            "A strength and a weight of content or style say the same thing twice.",
            "Keep --strength, or --content-weight and --style-weight.",
        )
    if weighted:
        changes["strength"] = None
    if "strength" in changes and PRESETS[preset].content_scale != "relative" and not weighted:
        raise ConfigError(
            f"The preset '{preset}' has weights of its own, no strength.",
            "Use --content-weight and --style-weight with it.",
        )
    optimiser = changes.get("optimiser", PRESETS[preset].optimiser)
    if optimiser != PRESETS[preset].optimiser and optimiser in RATES:
        changes.setdefault("rate", RATES[optimiser])
    if changes.get("start") in ("noise", "uniform") and PRESETS[preset].smallest_px:
        changes.setdefault("smallest_px", NOISE_SMALLEST_PX)
    if changes.get("start") == "noise" and not PRESETS[preset].noise_spread:
        changes.setdefault("noise_spread", NOISE_SPREAD * PRESETS[preset].unit)
    return replace(PRESETS[preset], **changes).complete()
