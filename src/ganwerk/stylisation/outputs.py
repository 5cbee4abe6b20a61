"""Where a transfer writes, and what it must not overwrite: checked before anything is computed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ganwerk import checks
from ganwerk.errors import ConfigError, RunError
from ganwerk.run.pictures import refuse_existing
from ganwerk.stylisation import saved
from ganwerk.stylisation.job import STARTS, Options, Request
from ganwerk.stylisation.pictures import Source, kind_of
from ganwerk.stylisation.seen import curves_kind, film_kind


def preview_of(out: Path) -> Path:
    """Where the picture so far is written while it runs."""
    return out.with_name(f"{out.stem}.preview.jpg")


def steps_folder(out: Path) -> Path:
    """Where --save-every writes."""
    return out.with_name(f"{out.stem}-steps")


def check_outputs(request: Request, out: Path | None, options: Options) -> None:
    """Raises ConfigError for what cannot be written or would replace a source, MachineError for
    what exists already, RunError where an interrupted transfer waits."""
    if options.tile_px is not None:
        checks.whole(options.tile_px, "--tile", least=0)  # px; 0 forbids tiles
    checks.whole(options.save_every, "--save-every", least=0)  # closures; 0 is never
    for path, check in ((out, kind_of), (options.film, film_kind), (options.curves, curves_kind)):
        if path is not None:
            check(path)
    _refuse_clashes(request, out, options)
    if not options.force:
        _refuse_existing(out, options)


def _refuse_clashes(request: Request, out: Path | None, options: Options) -> None:
    """No file may be read and written, or written twice."""
    written = {"result": out, "animation": options.film, "curves": options.curves}
    if out is not None:
        written["preview"] = preview_of(out)
    taken = {path.resolve(): what for what, path in _sources(request)}
    for what, path in written.items():
        if path is None:
            continue
        other = taken.setdefault(path.resolve(), f"the {what}")
        if other != f"the {what}":
            raise ConfigError(
                f"The {what} {path} would replace {other}.", "Choose another name for it."
            )


def _sources(request: Request) -> Iterator[tuple[str, Path]]:
    """(what it is, its file) of everything that is read from a file."""
    sources: list[tuple[str, Source | None]] = [("the photo", request.content)]
    sources += [("a style", style) for style, _ in request.styles]
    sources += [("a mask", mask) for mask in (*request.masks, *request.style_masks)]
    sources.append(("the weights", request.weights_file))
    if request.recipe.start not in STARTS:
        sources.append(("the picture it starts from", request.recipe.start))
    for what, source in sources:
        if isinstance(source, str | Path):
            yield what, Path(source)


def _refuse_existing(out: Path | None, options: Options) -> None:
    wanted = [path for path in (out, options.film, options.curves) if path]
    if out is not None and not options.resume:
        if options.save_every:
            wanted.append(steps_folder(out))
        if saved.folder_of(out).exists():
            raise RunError(
                f"A transfer to {out} was interrupted: {saved.folder_of(out)}.",
                "Go on with --resume, or begin anew with --force.",
            )
    refuse_existing(wanted)
