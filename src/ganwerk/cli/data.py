"""ganwerk data: what the pictures are, before they are trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from ganwerk import checks
from ganwerk.cli.group import Group
from ganwerk.cli.options import PATH, data_root_option, force_option, json_option, read_by
from ganwerk.cli.output import COLOURS, answer, say, say_json
from ganwerk.errors import typed


@click.group("data", cls=Group)
def command() -> None:
    """Look at pictures before training, and get them ready for many machines.

    \b
    Examples:
      ganwerk data check pictures
      ganwerk data shard pictures shards
    """


@command.command("check", short_help="Say whether pictures are fit for training.")
@click.argument("path", callback=read_by(checks.pictures))
@data_root_option
@json_option("everything that was measured")
def check(path: str, data_root: Path | None, as_json: bool) -> None:
    """Say whether the pictures in PATH are fit for training.

    Counts, sizes, unreadable files by name, copies, single-coloured pictures, balance of the
    classes, whether mirroring is safe, which resolution is advised. Nothing is changed.

    \b
    Examples:
      ganwerk data check pictures
      ganwerk data check mnist --data-root ../data
    """
    from ganwerk.cli.bars import progress_bars
    from ganwerk.data.load import scan

    with progress_bars(quiet=as_json) as progress:
        report = scan(path, root=data_root, progress=progress)
    lines = report.lines()
    if as_json:
        say_json({"ok": True, "health": report.to_dict(), "lines": lines})
        return
    for line in lines:
        say(f"{line.severity:8} {line.text}", COLOURS[line.severity])
    say()
    say(f"Train on them: ganwerk train {typed(path)}")


@command.command("shard", short_help="Decode pictures once, into files for many machines.")
@click.argument("path", callback=read_by(checks.local))
@click.argument("target", type=PATH)
@click.option("--resolution", metavar="PX", type=int, help="Side of a picture.  [default: advised]")
@click.option("--fit", type=click.Choice(["crop", "pad"]), default="crop", show_default=True,
              help="How pictures become square.")  # fmt: skip
@click.option(
    "--shard-mb", metavar="X", type=float, default=48.0, show_default=True, help="MiB of a file."
)
@data_root_option
@force_option
@json_option("what was written")
def shard(
    path: str, target: Path, resolution: int | None, fit: Literal["crop", "pad"], shard_mb: float,
    data_root: Path | None, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write the pictures in PATH as shards into the folder TARGET.

    Pictures are decoded once, put into files of many, each a random sample of all, beside an
    index.json with their digests. A training reads them from the folder, over http, or from an
    object store, and has only a part of them on its disk.

    \b
    Examples:
      ganwerk data shard pictures shards
      ganwerk train shards/index.json
      ganwerk train https://example.org/shards/index.json
    """
    from ganwerk.cli.bars import progress_bars
    from ganwerk.data.load import DEFAULT_BUDGET_BYTES, load_pictures
    from ganwerk.data.shards.write import write_shards

    with progress_bars(quiet=as_json) as progress:
        pictures = load_pictures(
            path, root=data_root, resolution=resolution, fit=fit,
            memory_budget_bytes=DEFAULT_BUDGET_BYTES, progress=progress,
        )  # fmt: skip
        index = write_shards(pictures, target, shard_mb=shard_mb, force=force, progress=progress)
    place, total = target / "index.json", index.pictures * index.record_bytes
    facts = {
        "index": place, "pictures": index.pictures, "shards": len(index.shards), "bytes": total,
        "resolution": index.resolution, "channels": index.channels,
        "classes": index.class_names, "fingerprint": index.fingerprint,
    }  # fmt: skip
    lines = (
        f"{index.pictures:,} pictures of {index.resolution} px in {len(index.shards):,} shards, "
        f"{total / 2**20:,.1f} MiB: {target}",
        f"Train on them: ganwerk train {typed(place)}",
    )
    answer(facts, lines, as_json=as_json)
