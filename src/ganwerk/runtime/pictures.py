"""Reading the pictures that settings speak of, wherever they are by now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ganwerk.config import explain
from ganwerk.config.load import Draft
from ganwerk.config.schema import DataSettings, Settings
from ganwerk.data import NAMED_SETS, Pictures, load_pictures
from ganwerk.data.shards.transport import is_address
from ganwerk.errors import DataError, MachineError, RunError, typed
from ganwerk.run import Run
from ganwerk.runtime import machine
from ganwerk.runtime.events import Preparing, Watcher, nobody
from ganwerk.runtime.settings import settings_of, with_free
from ganwerk.values import MachineFacts

CACHE_MB = DataSettings.model_fields["cache_mb"].default


def read_pictures(where: str, draft: Draft, facts: MachineFacts, watch: Watcher) -> Pictures:
    memory_mb = draft.values.get("data.memory_mb") or max(64, (facts.memory_bytes // 4) >> 20)
    root = draft.values.get("data.root")
    return load_pictures(
        where,
        root=Path(root) if root else None,
        resolution=draft.values.get("data.resolution"),
        channels=draft.values.get("data.channels"),
        fit=draft.values.get("data.fit", "crop"),
        memory_budget_bytes=int(memory_mb) << 20,
        shard_cache_bytes=int(draft.values.get("data.cache_mb", CACHE_MB)) << 20,
        window=draft.values.get("data.window"),
        rename=draft.values.get("data.rename", ()),
        progress=lambda progress: watch(Preparing(progress)),
    )


def absolute(where: str) -> str:
    """A place so that it means the same from any current folder; a named set keeps its name.

    Links stay as they are, unless the path climbs out of one. Raises DataError for a path that no
    settings file can hold.
    """
    if is_address(where):
        return where
    path = os.path.expanduser(where)
    if os.path.exists(path):
        climbs = ".." in Path(path).parts
        where = os.path.realpath(path) if climbs else os.path.abspath(path)
    try:
        where.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"The path {where} is no text (UTF-8), so that no settings file can hold it.",
            f"Make a link with another name: ln -s {typed(where)} pictures",
        ) from error
    return where


def seen_from(run: Path, place: str) -> str:
    """The way from a run to its pictures, for when both move together; '' if there is none."""
    if not os.path.isabs(place):
        return ""
    try:
        return os.path.relpath(place, run)
    except ValueError:  # another drive of Windows
        return ""


@dataclass(frozen=True)
class Located:
    """The pictures of a run and where they are now. elsewhere: they are the same pictures, found at
    another place than the settings name."""

    pictures: Pictures
    place: str
    elsewhere: bool = False


def pictures_of(
    run: Run,
    settings: Settings,
    facts: MachineFacts,
    watch: Watcher,
    *,
    asked: str | None = None,
    verb: str = "resume",
) -> Located:
    """The pictures that a run learned from. asked: where to read them, if somebody has said so.

    Else they are looked for where the settings say, then at the same way from the run, then from
    the current folder and those around the run: a guess counts only if they are the very same
    pictures. Raises DataError, with `verb` in the hint; RunError.
    """
    draft = Draft(dict(explain.flat(settings)))
    where = settings.data.where if asked is None else asked
    wanted = run.learned.fingerprint
    failure: DataError | None = None
    first: Pictures | None = None
    try:
        first = read_pictures(where, draft, facts, watch)
        if asked is not None or first.fingerprint == wanted:
            return Located(first, absolute(where))
    except DataError as error:
        moved = f"If the pictures were moved: ganwerk {verb} {typed(run.path)} --data PLACE"
        failure = DataError(error.message, f"{error.hint}\n{moved}")
        if asked is not None:
            raise
    for place in _elsewhere(run, where):
        with suppress(DataError):
            pictures = read_pictures(place, draft, facts, watch)
            if pictures.fingerprint == wanted:
                return Located(pictures, absolute(place), elsewhere=True)
    if first is None:
        assert failure is not None
        raise failure
    return Located(first, absolute(where))


def _elsewhere(run: Run, where: str) -> Iterator[str]:
    """Places that exist and may hold the pictures that were in `where`, each once."""
    if where in NAMED_SETS:
        return
    home = Path(os.path.abspath(run.path))
    beside = run.learned.beside
    guesses = [os.path.normpath(home / beside)] if beside else []
    if os.path.isabs(where):
        guesses.append(os.path.abspath(Path(where).name))
    else:  # of a run that was made when places were kept as typed
        guesses += [os.path.normpath(folder / where) for folder in home.parents]
    for guess in dict.fromkeys(guesses):
        if guess != os.path.abspath(where) and os.path.exists(guess):
            yield guess


def relocate(run: Run, place: str, watch: Watcher = nobody) -> tuple[str, ...]:
    """Note in the run that its pictures are in `place` now. Returns warnings.

    Raises DataError if there are none, or others than the run learned from.
    """
    settings = settings_of(run)
    located = pictures_of(run, settings, machine.facts("cpu"), watch, asked=place)
    if located.pictures.fingerprint != run.learned.fingerprint:
        raise DataError(
            f"The pictures in {place} are not those that the run {run.path} learned from.",
            "Name the place where those are now, or leave out --data.",
        )
    return remember(run, located.place)


def remember(run: Run, place: str) -> tuple[str, ...]:
    """Write the new place into the run; a warning where that cannot be done now."""
    try:
        with run.lock():
            settings = with_free(settings_of(run), {"data.where": place})
            run.replace_settings(explain.to_toml(settings), {"data.where": "said with --data"})
            run.update_about(data={"where": place, "beside": seen_from(run.path, place)})
    except (RunError, MachineError) as error:
        return (f"The new place of the pictures could not be noted in the run: {error.message}",)
    return ()
