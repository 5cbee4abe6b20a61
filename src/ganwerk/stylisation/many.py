"""Several photos at once, and the ones that need no file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from ganwerk.errors import ConfigError, RunError
from ganwerk.run.pictures import refuse_existing
from ganwerk.style.recipe import Recipe
from ganwerk.stylisation import saved
from ganwerk.stylisation.events import Finished, Watcher
from ganwerk.stylisation.job import Options, Request, recipe_settings
from ganwerk.stylisation.pictures import SUFFIXES, pictures_in, recorded
from ganwerk.stylisation.verb import stylise_file


def results(photos: Sequence[Path], name: str, folder: Path) -> list[Path]:
    """Where each photo's result goes: photo-name.png in the folder, or photo.jpg-name.png where two
    photos differ in their suffix alone.

    Raises ConfigError where two would go to one place, or one into the place of a photo."""
    stems = Counter(photo.stem for photo in photos)
    paths = [folder / f"{photo.stem if stems[photo.stem] == 1 else photo.name}-{name}.png"
             for photo in photos]  # fmt: skip
    sources = {photo.resolve() for photo in photos}
    for path, times in Counter(paths).items():
        if times > 1:
            raise ConfigError(
                f"{times} photos would become {path}.", "Give them different names, or redraw them "
                "one after the other into folders of their own.",
            )  # fmt: skip
        if path.resolve() in sources:
            raise ConfigError(f"{path} would replace a photo.", "Choose another --out.")
    return paths


def redraw_folder(request: Request, out: Path, name: str, options: Options, watch: Watcher) -> None:
    """`stylise_file` for each picture of the folder `request.content`, into the folder `out`.

    With `resume` it goes on where it was interrupted: what is finished is left as it is.
    Raises GanwerkError subclasses.
    """
    folder = Path(str(request.content))
    if out.suffix.lower() in SUFFIXES:
        raise ConfigError(
            f"{folder} is a folder, and --out {out} is one file.", "Name a folder with --out."
        )
    if out.resolve() == folder.resolve():
        raise ConfigError(
            f"The results would lie among the photos in {folder}.",
            "Name another folder with --out.",
        )
    if options.film or options.curves:
        raise ConfigError(
            "--animation and --curves name one file, and a folder has several photos.",
            "Redraw the photo that they are for by itself.",
        )
    photos = pictures_in(folder)
    paths = results(photos, name, out)
    if not (options.force or options.resume):
        refuse_existing(paths)
    for photo, path in zip(photos, paths, strict=True):
        one = replace(request, content=photo)
        begun = saved.folder_of(path).exists()
        if options.resume and not begun and path.exists():
            _check_finished(one, path)
            watch(Finished(path, 0.0, 0, 0))
        else:
            stylise_file(one, path, replace(options, resume=options.resume and begun), watch)


def _check_finished(request: Request, path: Path) -> None:
    """Raises RunError if the result was made with other settings."""
    found, wanted = recorded(path), json.loads(json.dumps(recipe_settings(request.recipe)))
    if any(found.get(key) != value for key, value in wanted.items()):
        raise RunError(
            f"{path} was made with other settings.",
            "Repeat the command exactly with --resume, or begin anew with --force.",
        )


def demo_request(recipe: Recipe) -> Request:
    """scikit-learn's photos: a temple, redrawn in the style of a flower."""
    from sklearn.datasets import load_sample_image

    temple, flower = (Image.fromarray(load_sample_image(f"{n}.jpg")) for n in ("china", "flower"))
    return Request(temple, [(flower, 1.0)], recipe)
