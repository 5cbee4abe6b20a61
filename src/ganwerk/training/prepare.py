"""From a request to a training that could start: data, settings, networks, plan."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ganwerk.config import auto, build, load
from ganwerk.config.load import Base, Draft
from ganwerk.config.schema import Settings
from ganwerk.data import Feeder, Pictures, Sampler
from ganwerk.data.pictures import SHARDS
from ganwerk.data.shards.index import INDEX
from ganwerk.errors import ConfigError, MachineError, typed
from ganwerk.game.state import TrainState
from ganwerk.nn.sizes import doublings
from ganwerk.nn.types import Batch
from ganwerk.run.files import disk_errors
from ganwerk.runtime import machine
from ganwerk.runtime.events import Plan, Warned, Watcher
from ganwerk.runtime.pictures import absolute, read_pictures
from ganwerk.scale.launch import launched
from ganwerk.scale.shared import check_shared
from ganwerk.training import probe
from ganwerk.values import MachineFacts, Origin

BYTES_PER_PARAMETER = 4 * 7  # both players with two moments each, and the averaged generator
GRIDS_KEPT_BYTES = 60 * 2**20
MOST_TIMES = 32
"""A picture in one batch: automatic batches stay below it with the fewest pictures."""
MOST_LETTERS = 60  # of the name of a run; a file system takes 255 bytes, with what is added
HeldOut = Callable[[int], Batch]


@dataclass(frozen=True)
class Request:
    """What a user asks for, as the command line or Python hands it on.

    where: folder, zip, IDX file or named set. flags: dotted settings key to (value, flag as typed).
    remedies: 'name:key=value,...', added to the preset's. sets: 'a.b=value'. out: the run directory
    to make; None chooses runs/<name>. base: settings to start from instead of a preset. steady: the
    networks do not follow from the speed that is measured, so that runs can be compared.
    """

    where: str
    preset: str | None = None
    file: Path | None = None
    flags: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    remedies: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    out: Path | None = None
    base: Base | None = None
    steady: bool = False


@dataclass(frozen=True)
class Budget:
    """When to stop: at so many images or after so many seconds of training."""

    unit: str
    end: float

    def used(self, state: TrainState) -> float:
        """From 0 to 1 and beyond."""
        return (state.seconds if self.unit == "seconds" else state.images) / self.end

    def horizon_images(self, images: int, seconds: float, expected_rate: float) -> float:
        """How many images the run will have seen at its end.

        For a budget in time this is an estimate: by the rate measured before the start, then more
        and more by the run's own.
        """
        if self.unit == "images":
            return self.end
        left = max(self.end - seconds, 0.0)
        known = min(1.0, seconds / 30)
        rate = known * images / max(seconds, 1e-9) + (1 - known) * expected_rate
        return max(images + left * rate, 1.0)


@dataclass(frozen=True)
class Prepared:
    """Everything there is before the first step."""

    draft: Draft
    settings: Settings
    facts: MachineFacts
    pictures: Pictures
    held_out: Any
    train: Any
    budget: Budget
    probed: probe.Probed
    plan: Plan


def prepare(request: Request, watch: Watcher, anew: bool = False) -> Prepared:
    """Read the data, decide the settings, measure the machine, plan.

    anew: measure even if that was done within a day. Raises GanwerkError for anything that would
    keep the training from starting well.
    """
    machine.keep_freed_memory()
    draft = load.collect(
        preset=request.preset,
        file=request.file,
        remedies=request.remedies,
        flags=request.flags,
        sets=request.sets,
        base=request.base,
    )
    _check_resolution(draft)
    _check_transfer(draft, request)
    where = absolute(request.where)  # refused before any picture is read
    facts = machine.facts(draft.values.get("run.device"))
    pictures = read_pictures(request.where, draft, facts, watch)
    draft.give("data.where", where, Origin("asked for"))
    if draft.values.get("data.root") is not None:
        draft.values["data.root"] = absolute(str(draft.values["data.root"]))
    _note_shards(draft, pictures)
    processes = _shared_by(draft)
    auto.decide(draft, pictures.facts(), facts)
    settings = load.settle(draft)
    check_shared(settings.budget.parts, processes)
    check_tensorboard(settings)
    train, held_out = pictures.split(settings.run.seed)
    _check_batch(settings, len(train))
    for line in pictures.health.lines():
        if line.severity != "note":
            watch(Warned(line.text))
    count = 0 if request.steady else len(train)
    settings, probed = measured(draft, len(pictures.class_names), count, facts, anew, processes)
    budget = first_budget(settings, len(train))
    plan = _plan(request, settings, facts, pictures, len(train), budget, probed)
    plan = replace(plan, reasons=tuple(_reasons(draft)))
    _check_disk(plan)
    return Prepared(draft, settings, facts, pictures, held_out, train, budget, probed, plan)


def measured(
    draft: Draft,
    class_count: int,
    count: int,
    facts: MachineFacts,
    anew: bool = False,
    processes: int = 1,
) -> tuple[Settings, probe.Probed]:
    """Settle what follows from the speed of the machine: the budget, and how rich D is. count:
    pictures that are trained on, 0 if D is to stay as it is. Raises GanwerkError where the training
    would not fit."""

    def probed() -> probe.Probed:
        found = probe.probe(load.settle(draft), class_count, facts, anew, processes)
        auto.fit_budget(draft, found.images_per_second)
        return found

    plain = probed()
    before = dict(draft.values), dict(draft.origins)
    if auto.enrich(draft, facts, plain.images_per_second, count):
        with suppress(MachineError):  # too little memory for it
            rich = probed()
            if rich.micro == plain.micro:
                return load.settle(draft), rich
        draft.values, draft.origins = before
    return load.settle(draft), plain


def _reasons(draft: Draft) -> Iterator[tuple[str, str, str]]:
    for key, origin in draft.origins.items():
        value = draft.values[key]
        if origin.reason:
            yield (
                key,
                _written(value) if isinstance(value, bool | float) else str(value),
                origin.reason,
            )


def _shared_by(draft: Draft) -> int:
    """How many processes there are; each is to have a part of every batch."""
    launch = launched()
    if launch is None:
        return 1
    draft.default("budget.parts", launch.size, f"one for each of {launch.size} processes")
    return launch.size


def _check_resolution(draft: Draft) -> None:
    """A size that cannot be drawn is refused before any picture is read."""
    resolution = draft.values.get("data.resolution")
    if resolution is not None and draft.values.get("network.kind") != "mlp":
        doublings(int(resolution))


def _note_shards(draft: Draft, pictures: Pictures) -> None:
    """What follows from where the pictures lie, and must stay when the run is resumed elsewhere."""
    if pictures.health.kind == SHARDS:
        size = 0 if pictures.windows is None else pictures.windows.size
        reason = "half of data.cache_mb holds them" if size else "all pictures are at hand"
        draft.default("data.window", size, reason)
        draft.default("data.fit", pictures.fit, "so the shards were written")


def _check_transfer(draft: Draft, request: Request) -> None:
    """Settings that speak of another run's weights are used with these weights or not at all."""
    where = draft.values.get("transfer.run")
    if where is not None and request.base is None:
        raise ConfigError(
            f"These settings are of a run that began with the weights of {where}; a training from "
            "the start has none.",
            f"Begin with them: ganwerk finetune {typed(where)} {typed(request.where)}\n"
            "Or delete the table [transfer] from the file.",
        )


def _check_batch(settings: Settings, train_count: int) -> None:
    batch, most = settings.budget.batch, MOST_TIMES * train_count
    if batch > most:
        raise ConfigError(
            f"A batch of {batch:,} would hold each of the {train_count:,} pictures that are "
            f"trained on {batch // train_count:,} times.",
            f"Add pictures, or choose a batch of their number: --batch {max(2, train_count)}",
        )


def check_tensorboard(settings: Settings) -> None:
    if not settings.run.tensorboard:
        return
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError as error:
        raise MachineError(
            "TensorBoard logging was asked for, but tensorboard is not installed.",
            "Install it: pip install 'ganwerk[tensorboard]'",
        ) from error


def first_budget(settings: Settings, train_count: int) -> Budget:
    asked = settings.budget
    if asked.minutes is not None:
        return Budget("seconds", asked.minutes * 60)
    images = asked.images if asked.images is not None else (asked.epochs or 0) * train_count
    return Budget("images", max(float(images), 1.0))


def longer_budget(
    budget: Budget, more: tuple[str, float], state: TrainState, train_count: int
) -> Budget:
    """The budget of a prolonged run: so much more, counted from where it stands."""
    unit, amount = more
    if unit == "minutes":
        return Budget("seconds", state.seconds + amount * 60)
    images = amount * train_count if unit == "epochs" else amount
    return Budget("images", state.images + images)


def feeder_of(settings: Settings, pictures: Pictures, indices: Any) -> Feeder:
    """The stream of training batches: batch i is a function of (data, seed, i)."""
    return Feeder(
        pictures,
        Sampler(indices, settings.budget.batch, settings.run.seed, pictures.windows),
        torch.device(settings.run.device),
        mirror=settings.data.mirror,
        seed=settings.run.seed,
        with_labels=settings.data.conditional,
    )


def held_out_of(settings: Settings, feeder: Feeder, held_out: Any) -> HeldOut | None:
    """Batch number i of pictures that D never learns from; None if there are none."""
    if not len(held_out):
        return None
    sampler = Sampler(held_out, settings.budget.batch, settings.run.seed)
    return lambda i: feeder.take(sampler.batch(i))


def _plan(
    request: Request,
    settings: Settings,
    facts: MachineFacts,
    pictures: Pictures,
    train_count: int,
    budget: Budget,
    probed: probe.Probed,
) -> Plan:
    rate = probed.images_per_second
    total = int(budget.horizon_images(0, 0.0, rate))
    generator, discriminator = build.players(
        settings, len(pictures.class_names), torch.device("cpu")
    )
    g_count, d_count = (sum(p.numel() for p in n.parameters()) for n in (generator, discriminator))
    checkpoint = (g_count + d_count) * BYTES_PER_PARAMETER // 2
    return Plan(
        data=request.where,
        pictures=len(pictures),
        held_out=len(pictures) - train_count,
        resolution=settings.data.resolution,
        channels=settings.data.channels,
        classes=pictures.class_names,
        conditional=settings.data.conditional,
        mirror=settings.data.mirror,
        preset=settings.preset,
        network=settings.network.kind,
        generator_parameters=g_count,
        discriminator_parameters=d_count,
        loss=settings.game.loss,
        remedies=tuple(_remedy_line(remedy) for remedy in settings.remedy),
        batch=settings.budget.batch,
        device=facts.device_name,
        precision=_precision_line(probed.choices),
        images_per_second=rate,
        total_images=total,
        expected_seconds=total / rate,
        memory_bytes=probed.memory_bytes + int(pictures.images.nbytes),
        disk_bytes=checkpoint * (settings.run.keep_checkpoints + 1) + GRIDS_KEPT_BYTES,
        out=str(request.out or free_name(request.where)),
        micro_batch=probed.micro,
        notes=(
            *(line.text for line in pictures.health.lines() if line.severity == "note"),
            *auto.advice(settings.data.resolution, total, rate, on_cpu=facts.device == "cpu"),
        ),
    )


def _precision_line(choices: Mapping[str, str]) -> str:
    convolutions = [v for k, v in choices.items() if k != probe.MATRICES]
    halves = sum(probe.WAYS[way].compute is not None for way in convolutions)
    matrices = sum(probe.WAYS[way].as_matrix for way in convolutions)
    parts = [f"{halves} of {len(convolutions)} convolutions in bfloat16"] if convolutions else []
    parts += [f"{matrices} of them as matrix products"] if matrices else []
    return ", ".join([*parts, f"matrix products in {choices[probe.MATRICES]}"])


def _remedy_line(remedy: Any) -> str:
    values = {k: v for k, v in remedy.model_dump(exclude_none=True).items() if k != "kind"}
    shown = ", ".join(f"{name} {_written(value)}" for name, value in values.items())
    return f"{remedy.kind} ({shown})" if shown else str(remedy.kind)


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return "+".join(value)
    if isinstance(value, str | bool):
        return str(value).lower()
    return f"{value:g}"


def free_name(where: str) -> Path:
    """runs/<name of the data>, with a number where that is taken."""
    stem = stem_of(where)
    folder = Path("runs")
    candidate, number = folder / stem, 2
    while os.path.lexists(candidate):
        candidate, number = folder / f"{stem}-{number}", number + 1
    return candidate


def stem_of(where: str) -> str:
    """A name for a run on these pictures: no dots, no control characters, not too long."""
    path = Path(os.path.expanduser(where))
    if path.name == INDEX:  # of shards: their folder has the name
        path = path.parent
    if path.name in ("", ".."):  # the current folder, the one around it, the root of the disk
        path = path.resolve()
    stem = _plain(path.name if path.is_dir() else path.name.lstrip(".").split(".")[0])
    if stem in ("train", "images", "pictures"):
        around = _plain(path.resolve().parent.name)
        stem = f"{around}-{stem}" if around else stem
    return stem or "pictures"


def _plain(name: str) -> str:
    shown = "".join(letter if letter.isprintable() else "_" for letter in name)
    return shown.strip(". ").lstrip("-~")[:MOST_LETTERS]


def _check_disk(plan: Plan) -> None:
    import shutil

    with disk_errors(Path(plan.out), "make"):
        folder = Path(plan.out).absolute()
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
    if free < plan.disk_bytes:
        raise MachineError(
            f"The run needs up to {plan.disk_bytes / 2**20:.0f} MiB on the disk of {folder}; "
            f"{free / 2**20:.0f} MiB are free.",
            "Free some space, or choose another disk with --out.",
        )
