"""ganwerk style train, ganwerk style apply."""

from __future__ import annotations

from pathlib import Path

import click

from ganwerk.checks import positive
from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH, json_option
from ganwerk.cli.output import say, say_json
from ganwerk.errors import typed


@click.command("train", cls=Command)
@click.argument("painting", type=PATH)
@click.option(
    "--out",
    metavar="FILE",
    type=PATH,
    help="The network.  [default: PAINTING.safetensors]",
)
@click.option(
    "--photos",
    metavar="DIR",
    type=PATH,
    help="Photos to learn on.  [default: two that come with scikit-learn]",
)
@click.option("--minutes", metavar="X", default="10", show_default=True, help="Time to train.")
@click.option(
    "--strength",
    metavar="X",
    type=float,
    default=0.5,
    show_default=True,
    help="0 keeps the photo, 1 nothing but the style.",
)
@click.option(
    "--backbone",
    metavar="NAME",
    default="compact",
    show_default=True,
    help="As for `ganwerk style`.",
)
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
@json_option("what was written")
def train(
    painting: Path, out: Path | None, photos: Path | None, minutes: str, strength: float,
    backbone: str, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Teach the style of PAINTING to a small network, which then redraws photos at once.

    \b
    Example:
      ganwerk style train painting.jpg --photos holiday --minutes 20
    """
    amount = positive(minutes, "--minutes")
    from ganwerk.cli.bars import progress_bars
    from ganwerk.style.recipe import recipe_of
    from ganwerk.stylisation.network import train_network

    recipe = recipe_of(strength=strength, backbone=backbone)
    target = out or Path(f"{painting.stem}.safetensors")
    with progress_bars(quiet=as_json) as progress:
        done = train_network(painting, target, recipe, photos=photos, minutes=amount, force=force,
                     progress=progress)  # fmt: skip
    if as_json:
        say_json({"ok": True, "path": done.path, "steps": done.steps, "seconds": done.seconds})
        return
    say(f"{done.path}: {done.steps:,} steps in {done.seconds / 60:.1f} minutes.")
    say(f"  ganwerk style apply {typed(done.path)} photo.jpg")


@click.command("apply", cls=Command)
@click.argument("network", type=PATH)
@click.argument("photos", type=PATH, nargs=-1, required=True)
@click.option(
    "--out",
    metavar="DIR",
    type=PATH,
    help="Where the pictures go.  [default: here]",
)
@click.option("--size", metavar="PX", type=int, help="Long side.  [default: the photo's]")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@json_option("what was written")
def apply(
    network: Path, photos: tuple[Path, ...], out: Path | None, size: int | None, force: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Redraw PHOTOS with a NETWORK that `ganwerk style train` made.

    \b
    Example:
      ganwerk style apply painting.safetensors photo.jpg holiday/*.jpg --out painted
    """
    import time

    from ganwerk.run.pictures import refuse_existing
    from ganwerk.stylisation.many import results
    from ganwerk.stylisation.network import open_net, redraw
    from ganwerk.stylisation.pictures import write

    net = open_net(network)
    paths = results(photos, network.stem, out or Path())
    if not force:
        refuse_existing(paths)
    seconds = []
    for photo, path in zip(photos, paths, strict=True):
        start = time.perf_counter()
        pixels = redraw(net, photo, size)
        seconds.append(time.perf_counter() - start)
        write(path, pixels, {"network": network.name, "content": photo.stem})
    if as_json:
        say_json({"ok": True, "paths": paths, "seconds": seconds})
        return
    for path, took in zip(paths, seconds, strict=True):
        say(f"{path}: {1000 * took:.0f} ms")
