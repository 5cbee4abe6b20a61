"""ganwerk style: a photo in the style of a painting."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ganwerk.cli.group import Command, LazyGroup
from ganwerk.cli.options import PATH, json_option
from ganwerk.errors import ConfigError, typed

Function = TypeVar("Function", bound=Callable[..., Any])

VERBS = {
    "train": ("ganwerk.cli.style_net:train", "Teach one style to a small fast network."),
    "apply": ("ganwerk.cli.style_net:apply", "Redraw pictures with such a network, at once."),
}


class Style(LazyGroup):
    """`ganwerk style PHOTO ...` transfers; `ganwerk style train ...` is a command of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.list_commands(ctx) and args[0] != "--help":
            args = [TRANSFER, *args]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return transfer if cmd_name == TRANSFER else super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] == TRANSFER:
            return None, transfer, args[1:]  # its name is the group's
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        transfer.format_help(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        transfer.format_usage(ctx, formatter)


TRANSFER = "(photo)"
"""No file's name by accident: the command that is meant where none is named."""


def weighted(text: str) -> tuple[Path, float]:
    """'a.jpg:2' as (a.jpg, 2.0); 'a.jpg' weighs 1. Raises ConfigError for other weights.

    >>> weighted("a.jpg:0.5")
    (PosixPath('a.jpg'), 0.5)
    """
    name, colon, number = text.rpartition(":")
    if not colon or "/" in number or "\\" in number or Path(text).exists():
        return Path(text), 1.0
    try:
        weight = float(number)
    except ValueError:
        return Path(text), 1.0
    if not (math.isfinite(weight) and weight > 0):
        raise ConfigError(
            f"--style {text}: a weight of {number} is not possible.",
            f"Give a number above 0: --style {typed(f'{name}:2')}",
        )
    return Path(name), weight


def recipe_options(command: Function) -> Function:
    """What becomes fields of the recipe, where it is given."""
    for names, meaning, more in reversed(_RECIPE_OPTIONS):
        command = click.option(*names, help=meaning, **more)(command)
    return command


_RECIPE_OPTIONS: list[tuple[tuple[str, ...], str, dict[str, Any]]] = [
    (("--preset",), "Published recipe to start from: gatys, neural-style, tensorflow, "
     "tensorflow-noise.", {"metavar": "NAME", "default": "default"}),
    (("--size", "size_px"), "Long side of the result.  [default: the photo's, at most 512]",
     {"metavar": "PX", "type": int}),
    (("--strength",), "0 keeps the photo, 1 nothing but the style.  [default: 0.5]",
     {"metavar": "X", "type": float}),
    (("--colours",), "Whose: style, keep (the photo's), luma, moments, histogram.",
     {"metavar": "NAME"}),
    (("--style-scale", "style_size"), "Size of the strokes; 2 paints with a broader brush.",
     {"metavar": "X", "type": float}),
    (("--backbone",), "compact (comes with ganwerk), vgg19, vgg16; with -random behind it, "
     "random weights.", {"metavar": "NAME"}),
    (("--statistic",), "What style is: moments, gram or sliced.", {"metavar": "NAME"}),
    (("--steps",), "Closures at the finest scale.", {"metavar": "N", "type": int}),
    (("--optimiser",), "adam, lbfgs or gradient.", {"metavar": "NAME"}),
    (("--rate",), "The optimiser's learning rate.  [default: its own]",
     {"metavar": "X", "type": float}),
    (("--init", "start"), "Where to start: content, noise, uniform, style, or a picture's path.",
     {"metavar": "START"}),
    (("--content-layers",), "For example relu4_2, with commas between several.",
     {"metavar": "LIST"}),
    (("--style-layers",), "For example relu1_1,relu2_1,relu3_1.", {"metavar": "LIST"}),
    (("--layer-weights",), "One number for each style layer.", {"metavar": "LIST"}),
    (("--content-weight",), "In place of --strength.", {"metavar": "X", "type": float}),
    (("--style-weight",), "In place of --strength.", {"metavar": "X", "type": float}),
    (("--tv-weight",), "Of total variation: more is smoother.", {"metavar": "X", "type": float}),
    (("--smallest", "smallest_px"), "Long side at the coarsest scale; 0 has one scale only.",
     {"metavar": "PX", "type": int}),
    (("--pooling",), "average or max.", {"metavar": "NAME"}),
    (("--seed",), "Of noise and random weights.", {"metavar": "N", "type": int}),
]  # fmt: skip


def computing_options(command: Function) -> Function:
    """How it is computed."""
    for option in (
        click.option("--device", metavar="NAME", help="cpu, cuda, cuda:1 or mps."),
        click.option("--precision", metavar="NAME", default="auto", show_default=True,
                     help="float32 or bfloat16; auto takes what is faster here."),
        click.option("--weights", "weights_file", metavar="FILE", type=PATH,
                     help="Weights of vgg19 or vgg16, instead of fetching them."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command("style", cls=Command)
@click.argument("photo", type=PATH, required=False)
@click.option(
    "--style",
    "styles",
    metavar="FILE[:WEIGHT]",
    multiple=True,
    help="A painting. May be repeated, with weights: a.jpg:2.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=PATH,
    help="The result: .png, .jpg, .webp or .tif; for a folder, a folder.  "
    "[default: PHOTO-STYLE.png]",
)
@recipe_options
@click.option(
    "--mask",
    "masks",
    metavar="FILE",
    multiple=True,
    type=PATH,
    help="White is where the style applies. One for all styles, or one each.",
)
@click.option(
    "--style-mask",
    "style_masks",
    metavar="FILE",
    multiple=True,
    type=PATH,
    help="White is where the style is taken from.",
)
@computing_options
@click.option(
    "--tile",
    "tile_px",
    metavar="PX",
    type=int,
    help="Side of tiles; 0 forbids them.  [default: as the memory asks]",
)
@click.option("--save-every", metavar="N", type=int, default=0, help="Keep every N-th picture.")
@click.option(
    "--animation",
    "film",
    metavar="FILE",
    type=PATH,
    help="The optimisation as .webp or .gif.",
)
@click.option(
    "--curves",
    metavar="FILE",
    type=PATH,
    help="The losses as .png, .svg or .pdf.",
)
@click.option("--resume", is_flag=True, help="Go on with the same command, interrupted.")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@click.option("--demo", is_flag=True, help="Photos that come with scikit-learn, no download.")
@json_option("one object per event, the last one about the result,")
def transfer(
    photo: Path | None, styles: tuple[str, ...], out: Path | None, masks: tuple[Path, ...],
    style_masks: tuple[Path, ...], weights_file: Path | None, demo: bool, as_json: bool,
    preset: str, device: str | None, precision: str, tile_px: int | None, resume: bool,
    force: bool, save_every: int, film: Path | None, curves: Path | None, **options: Any,
) -> None:  # fmt: skip
    """Redraw PHOTO in the style of a painting.

    Works offline. PHOTO is a picture, or a folder whose pictures are redrawn one after the other. A
    preview is written while it runs; after Ctrl-C, --resume goes on exactly.

    \b
    Examples:
      ganwerk style photo.jpg --style painting.jpg
      ganwerk style photo.jpg --style a.jpg:2 --style b.jpg:1 --size 2048 --strength 0.7
      ganwerk style photo.jpg --style a.jpg --colours keep --mask photo-mask.png
      ganwerk style --demo
    """
    settings = {name: value for name, value in options.items() if value is not None}
    if demo and (photo or styles):
        raise ConfigError("--demo brings its own pictures.", "Leave out PHOTO and --style.")
    if not demo and (photo is None or not styles):
        missing = "PHOTO" if photo is None else "--style"
        raise ConfigError(
            f"{missing} is missing.", "For example: ganwerk style photo.jpg --style painting.jpg"
        )
    paintings = [weighted(style) for style in styles]
    from ganwerk.cli.style_screen import style_screen
    from ganwerk.style.recipe import recipe_of
    from ganwerk.stylisation.job import Options, Request
    from ganwerk.stylisation.many import demo_request, redraw_folder
    from ganwerk.stylisation.verb import stylise_file

    how = Options(device, precision, tile_px, resume, force, save_every, film, curves)
    recipe = recipe_of(preset, **settings)
    name = "-".join(path.stem for path, _ in paintings)
    with style_screen(as_json) as screen:
        if photo is None:
            stylise_file(demo_request(recipe), out or Path("demo-style.png"), how, screen)
            return
        request = Request(photo, paintings, recipe, masks, style_masks, weights_file)
        if photo.is_dir():
            redraw_folder(request, out or Path(f"{photo.name}-{name}"), name, how, screen)
        else:
            stylise_file(request, out or Path(f"{photo.stem}-{name}.png"), how, screen)


command = Style("style", commands_by_name=VERBS, callback=None, help=transfer.help)
