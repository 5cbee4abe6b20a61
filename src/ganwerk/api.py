"""ganwerk from Python: the same verbs as on the command line."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganwerk import checks
from ganwerk.checks import Stop
from ganwerk.config import explain, load
from ganwerk.config.explain import Explained
from ganwerk.control.interpolate import Walked, interpolate
from ganwerk.control.mix import Mixed, mix
from ganwerk.control.project import Projected, project
from ganwerk.control.steered import Steered
from ganwerk.control.strips import Found, directions
from ganwerk.doctor import diagnose as diagnosing
from ganwerk.doctor.tried import Tried, tried
from ganwerk.doctor.verdict import Diagnosis
from ganwerk.publish.export import Written, export
from ganwerk.publish.publish import Published, publish
from ganwerk.report import write_report
from ganwerk.run import Run
from ganwerk.runtime.events import Plan, Watcher, nobody
from ganwerk.runtime.pictures import relocate
from ganwerk.sampling.sample import Sampler
from ganwerk.training import finetune as finetuning
from ganwerk.training import train as verbs
from ganwerk.training.prepare import Request

_FLAGS = {
    "minutes": "budget.minutes",
    "images": "budget.images",
    "epochs": "budget.epochs",
    "batch": "budget.batch",
    "resolution": "data.resolution",
    "conditional": "data.conditional",
    "mirror": "data.mirror",
    "fit": "data.fit",
    "data_root": "data.root",
    "seed": "run.seed",
    "device": "run.device",
    "doctor": "run.doctor",
    "tensorboard": "run.tensorboard",
}


class Trained:
    """A run and its generator."""

    def __init__(self, path: str | Path) -> None:
        self.run = Run.open(_path(path))
        self.path = self.run.path
        self._samplers: dict[tuple[str | int, str | None], Sampler] = {}

    def __repr__(self) -> str:
        return f"Trained({str(self.path)!r})"

    def sample(
        self,
        seeds: Sequence[int] = range(64),
        *,
        classes: Sequence[str] = (),
        truncation: float = 1.0,
        at: str | int = "latest",
        device: str | None = None,
    ) -> NDArray[np.uint8]:
        """The pictures with these numbers, (N, H, W, C) uint8, C 1, 3 or 4.

        classes: the classes to draw, in turn; () draws them as often as the data has them.
        truncation: from 0, the most ordinary picture, to 1, the full variety.
        at: 'latest', 'best' or images seen. Warns where a damaged checkpoint was passed over for
        the one before. Raises ConfigError, CheckpointError.
        """
        seeds, truncation = checks.seeds(seeds), checks.truncation(truncation)
        return self._sampler(at, device).draw(seeds, classes, truncation=truncation)

    def _sampler(self, at: str | int, device: str | None) -> Sampler:
        key = at, device = checks.at(at), device
        if key not in self._samplers:
            self._samplers[key] = Sampler.open(self.path, at, device)
            for warning in self._samplers[key].warnings:
                warnings.warn(warning, stacklevel=3)
        return self._samplers[key]

    def steer(self, at: str | int = "latest", device: str | None = None) -> Steered:
        """Its generator as a space to move in: places, pictures there, walks between."""
        return Steered(self._sampler(at, device))

    def interpolate(self, stops: Sequence[Stop], out: str | Path, **options: Any) -> Walked:
        """Write a walk from stop to stop, as `ganwerk interpolate`: .mp4, .webp, .gif, .png.

        stops: numbers of pictures, and files that `project` wrote, or both as one text, as on the
        command line: '1,5,photo.safetensors'. options: those of
        control.interpolate: seconds, rate, loop, side_px, classes, truncation, at, force.
        """
        return interpolate(self.path, stops, out=_path(out), **options)

    def mix(
        self, rows: Sequence[Stop], columns: Sequence[Stop], out: str | Path, **options: Any
    ) -> Mixed:
        """Write a sheet of mixed styles, as `ganwerk mix`.

        options: those of control.mix: layers, classes, truncation, at, force.
        """
        return mix(self.path, rows, columns, out=_path(out), **options)

    def directions(self, out: str | Path, **options: Any) -> Found:
        """Find directions and write a strip for each into the folder `out`.

        options: those of control.strips: count, method, layers, strength, seeds, classes, ...
        """
        return directions(self.path, out=_path(out), **options)

    def project(self, photo: str | Path, out: str | Path, **options: Any) -> Projected:
        """Find the place that draws `photo`; all that is written goes into the folder `out`.

        options: those of control.project: steps, tries, classes, own_noise, backbone, ...
        """
        return project(self.path, _path(photo), out=_path(out), **options)

    def export(self, out: str | Path | None = None, **options: Any) -> Written:
        """Write its generator as ONNX graphs that need no ganwerk, as `ganwerk export`.

        options: those of publish.export: precision, at, title, licence.
        """
        return export(self.path, out=None if out is None else Path(out), **options)

    def publish(self, target: str | Path, **options: Any) -> Published:
        """Make a web page that draws in the browser, as `ganwerk publish`.

        options: those of publish.publish: single (one file), runtime, precision, at, title, ...
        """
        return publish(self.path, Path(target), **options)

    def resume(
        self,
        *,
        minutes: float | None = None,
        images: int | None = None,
        epochs: float | None = None,
        data: str | Path | None = None,
        device: str | None = None,
        accept_changed_data: bool = False,
        treat: str | None = None,
        doctor: str | None = None,
        watch: Watcher = nobody,
    ) -> Trained:
        """Go on training, as `ganwerk resume`."""
        return resume(
            self.path,
            minutes=minutes,
            images=images,
            epochs=epochs,
            data=data,
            device=device,
            accept_changed_data=accept_changed_data,
            treat=treat,
            doctor=doctor,
            watch=watch,
        )

    def moved(self, data: str | Path) -> None:
        """Note that the training pictures are in `data` now. Raises DataError for others."""
        for warning in relocate(self.run, checks.pictures(data)):
            warnings.warn(warning, stacklevel=2)

    def report(self, out: str | Path | None = None) -> Path:
        """Write the report and return its path."""
        return write_report(self.path, None if out is None else _path(out))

    def journal(self, event: str | None = None) -> list[dict[str, Any]]:
        """The rows of the journal."""
        return self.run.journal.rows(event)

    def treatments(self) -> list[Tried]:
        """What was tried on it, the oldest first: measured before and after, kept or undone."""
        return tried(self.journal("treatment"))

    def settings(self) -> list[Explained]:
        """Every setting with its value, origin and meaning."""
        settings = load.from_toml(self.run.settings_toml, str(self.run.settings_path))
        return explain.explain(settings, self.run.origins)


def _path(value: str | Path) -> Path:
    """Raises ConfigError for an address."""
    return Path(checks.local(value))


def request(
    data: str | Path,
    *,
    preset: str | None = None,
    config: str | Path | None = None,
    out: str | Path | None = None,
    remedies: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    **options: Any,
) -> Request:
    """The request of these keyword arguments. Raises TypeError for an unknown one."""
    unknown = options.keys() - _FLAGS.keys()
    if unknown:
        raise TypeError(f"unknown argument '{min(unknown)}'; known: {', '.join(_FLAGS)}")
    budget = checks.budget(*(options.pop(name, None) for name in ("minutes", "images", "epochs")))
    flags: dict[str, tuple[Any, str]] = {}
    if budget:
        flags[f"budget.{budget.kind}"] = budget.amount, budget.flag
    for name, value in options.items():
        if value is not None:
            given = checks.local(value) if isinstance(value, Path) else checks.plain(value)
            flags[_FLAGS[name]] = given, f"{name}={checks.shown(value)}"
    for key, value in (settings or {}).items():
        flags[key] = checks.listed(value), f"settings['{key}']"
    return Request(
        where=checks.pictures(data),
        preset=preset,
        file=None if config is None else _path(config),
        remedies=checks.names(remedies, "--remedy"),
        flags=flags,
        out=None if out is None else _path(out),
    )


def train(data: str | Path, *, watch: Watcher = nobody, **options: Any) -> Trained:
    """Train a GAN on the pictures in `data`: a folder, a zip, an IDX file, or a named set.

    Options, all with good defaults: preset, config (TOML file), out (run directory), one of
    minutes, images, epochs; batch, resolution, conditional, mirror, fit, data_root, seed, device,
    doctor, tensorboard; remedies: ['unrolled:steps=5', 'packing'], added to the preset's; settings:
    {'game.loss': 'hinge'} for everything else. watch: is told events (ganwerk.runtime.events).
    Raises subclasses of GanwerkError with a message and a hint.
    """
    return Trained(verbs.train(request(data, **options), watch))


def finetune(
    run: str | Path,
    data: str | Path,
    *,
    freeze: int = 0,
    at: str | int = "latest",
    watch: Watcher = nobody,
    **options: Any,
) -> Trained:
    """Train on the pictures in `data`, beginning with the weights of `run`.

    freeze: so many of D's lowest layers stay as they are. at: 'latest', 'best' or images seen.
    Options as of `train`; network, game and rates are those of the run. Raises ConfigError with the
    list of shapes that differ, where the weights do not fit.
    """
    asked = request(data, **options)
    return Trained(finetuning.finetune(_path(run), asked, at=at, freeze=freeze, watch=watch))


def plan(data: str | Path, *, watch: Watcher = nobody, **options: Any) -> Plan:
    """What `train` with the same arguments would do; nothing is written."""
    return verbs.plan(request(data, **options), watch)


def resume(
    path: str | Path,
    *,
    minutes: float | None = None,
    images: int | None = None,
    epochs: float | None = None,
    data: str | Path | None = None,
    device: str | None = None,
    accept_changed_data: bool = False,
    treat: str | None = None,
    doctor: str | None = None,
    watch: Watcher = nobody,
) -> Trained:
    """Go on with a run; minutes, images or epochs (one of them) prolong it.

    data: where the pictures are now, if they were moved. device: train on another one. treat: the
    code of a finding that the run has, 'GW203'. doctor: 'watch', 'treat' or 'off' from here on.
    """
    budget = checks.budget(minutes, images, epochs)
    verbs.resume(
        _path(path),
        more=(budget.kind, budget.amount) if budget else None,
        where=None if data is None else checks.pictures(data),
        device=device,
        accept_changed_data=accept_changed_data,
        treat=treat,
        doctor=None if doctor is None else checks.plain(doctor),
        watch=watch,
    )
    return Trained(path)


def diagnose(run: str | Path) -> Diagnosis:
    """What goes wrong in a run, how sure that is, and what cannot be told; needs no torch.

    `findings` (the weightiest first), `measured`, `power`; `to_dict()` gives JSON values. Raises
    RunError if there is no run.
    """
    return diagnosing.diagnose(_path(run))


def open_run(path: str | Path) -> Trained:
    """A run that exists. Raises RunError if there is none."""
    return Trained(path)
