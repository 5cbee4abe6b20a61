"""Measuring before training: memory, the fastest way to compute each layer, images per second.

The choices are written into the run, so that a resumed training computes as before.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, NamedTuple

import torch
from pydantic import Field, ValidationError
from torch import Tensor, nn

import ganwerk
from ganwerk.config import build
from ganwerk.config.schema import Settings
from ganwerk.data.cache import cache_home, read_json, write_json
from ganwerk.game.state import TrainState
from ganwerk.game.step import train_step
from ganwerk.game.team import Alone
from ganwerk.nn.layers import (
    CONVOLUTIONS,
    Convolution,
    Linear,
    can_be_matrix,
    matrix_products,
)
from ganwerk.run.records import Record
from ganwerk.runtime import machine
from ganwerk.runtime.memory import require_for_weights
from ganwerk.training.footprint import (
    at_once,
    dummy_batch,
    evaluating,
    fitting_micro_batch,
    one_part,
    smallest_micro_batch,
)
from ganwerk.values import MachineFacts

BF16_MUST_SAVE = 0.1  # a tenth of a layer's time; below it the conversions between layers eat it
REMEMBERED_SECONDS = 24 * 3600
LEAST_ROUNDS, MOST_ROUNDS, STEPS_SECONDS = 2, 6, 0.5
MOST_TRIALS, TRIALS_SECONDS = 40, 0.8
AT_THE_END = 10**12
MOST_MATRIX_PIXELS = (
    64  # of a layer's smaller side; on larger pictures windows cost too much memory
)
Choices = dict[str, str]
"""Name of a convolution ('g.stages.1.0') to one of WAYS, MATRICES for all matrix products to
'float32' or 'bfloat16'."""
MATRICES = "matrix products"


class Way(NamedTuple):
    """How a convolution computes: in which precision, and whether as one matrix product."""

    compute: torch.dtype | None = None
    as_matrix: bool = False

    def set(self, layer: Convolution) -> None:
        layer.compute, layer.as_matrix = self


WAYS = {
    "float32": Way(),
    "bfloat16": Way(torch.bfloat16),
    "float32 matrix": Way(None, True),
    "bfloat16 matrix": Way(torch.bfloat16, True),
}


@dataclass(frozen=True, slots=True)
class Probed:
    """What a short measurement found. micro: pictures of a batch that are computed at a time, 0 for
    all."""

    choices: Choices
    images_per_second: float
    memory_bytes: int
    micro: int = 0


def probe(
    settings: Settings,
    class_count: int,
    facts: MachineFacts,
    anew: bool = False,
    processes: int = 1,
) -> Probed:
    """Choose the precision per layer and measure whole steps on a copy that is thrown away. Of a
    batch in parts one is measured; `processes` share them.

    The same networks on the same machine within a day are not measured again, unless `anew`: it
    saves seconds, and the same seed then computes the same numbers.
    Raises MachineError if a step would not fit into the free memory.
    """
    require_for_weights(settings, class_count, facts.free_memory_bytes)
    state = build.state(settings, class_count, torch.device(settings.run.device), 1e9)
    here = settings.budget.parts // processes
    settings, state.team = one_part(settings), Alone()
    state.images = AT_THE_END  # networks that grow have their full size there
    micro, memory = fitting_micro_batch(state, settings, facts.free_memory_bytes // here)
    memory *= here
    file = _memory_of(settings, class_count, facts, micro)
    known = None if anew else _remembered(file)
    if known:
        return Probed(known.choices, processes * known.images_per_second, memory, micro)
    one = at_once(settings, micro)
    candidates = _candidates(state, one)
    machine.give_back_memory()
    choices = _fastest(state, one, candidates)
    machine.give_back_memory()
    apply_choices(state, choices)
    with computing(choices):
        rate = _measure_steps(state, settings, micro)
    with suppress(OSError):  # nothing is lost but the seconds
        measured = {"measured": time.time(), "choices": choices, "images_per_second": rate}
        write_json(file, measured)
    machine.give_back_memory()
    return Probed(choices, processes * rate, memory, micro)


KERNEL_LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")
"""What somebody may have forbidden the libraries to use: what is fastest with it is not without."""


class Remembered(Record):
    """A measurement in the cache. measured: when, in seconds since 1970."""

    measured: float
    choices: dict[str, str]
    images_per_second: Annotated[float, Field(gt=0)]


def _remembered(file: Path) -> Remembered | None:
    """The measurement, if there is a sound one of the last day."""
    try:
        known = Remembered.model_validate(read_json(file))
    except ValidationError:
        return None
    lately = 0 <= time.time() - known.measured < REMEMBERED_SECONDS
    return known if lately and set(known.choices.values()) <= set(WAYS) else None


def _memory_of(settings: Settings, class_count: int, facts: MachineFacts, micro: int) -> Path:
    """Where the measurement of these networks on this machine is remembered."""
    asked = settings.model_dump(include={"network", "game", "latent", "remedy", "optimiser"})
    shape = [settings.data.resolution, settings.data.channels, settings.data.conditional]
    rest = [
        class_count,
        settings.budget.batch,
        micro,
        settings.run.precision,
        torch.get_num_threads(),
    ]
    machine = [facts.device, facts.device_name, facts.cores, facts.torch, ganwerk.__version__]
    kernels = [torch.backends.cpu.get_cpu_capability(), *map(os.environ.get, KERNEL_LIMITS)]
    text = json.dumps([asked, shape, rest, machine, kernels], sort_keys=True)
    return (
        cache_home(None) / "probes" / f"{blake2b(text.encode(), digest_size=16).hexdigest()}.json"
    )


def layers(state: TrainState) -> dict[str, Convolution]:
    """The layers of both players whose precision can be chosen."""
    found: dict[str, Convolution] = {}
    for prefix, net in (("g", state.g_net), ("d", state.d_net)):
        for name, module in net.named_modules():
            if isinstance(module, CONVOLUTIONS):
                found[f"{prefix}.{name}"] = module
    return found


def computing(choices: Mapping[str, str]) -> AbstractContextManager[None]:
    """The context in which a training with these choices takes its steps."""
    return matrix_products(choices.get(MATRICES) == "bfloat16")


def apply_choices(state: TrainState, choices: Mapping[str, str]) -> None:
    """Set how each convolution computes; the averaged generator always does in plain float32."""
    for name, module in layers(state).items():
        inside = name.replace("d.net.", "d.", 1)  # its name before D was put into packs
        WAYS[choices.get(name, choices.get(inside, "float32"))].set(module)


def _candidates(state: TrainState, settings: Settings) -> list[Choices]:
    """What may be fastest: everything in one precision, or each layer in its own best."""
    names = [*layers(state), MATRICES]
    if settings.run.precision != "measured":
        return [dict.fromkeys(names, settings.run.precision)]
    whole = [dict.fromkeys(names, precision) for precision in ("float32", "bfloat16")]
    own = _each_best(state, settings)
    return whole if own in whole else [*whole, own]


def _fastest(state: TrainState, settings: Settings, candidates: list[Choices]) -> Choices:
    """The candidate with the shortest whole step. Layers measured alone do not show what the
    conversions between them cost, nor how the processor's caches fare."""
    if len(candidates) == 1:
        return candidates[0]
    recipe = build.recipe(settings)
    batch = dummy_batch(settings, state.device, _race_size(state, settings))
    times: list[list[float]] = [[] for _ in candidates]
    begun = _now(state.device)
    for attempt in range(MOST_TRIALS):
        for choices, found in zip(candidates, times, strict=True):
            apply_choices(state, choices)
            state.step = 1  # no penalty is due
            start = _now(state.device)
            with computing(choices):
                train_step(state, lambda _: batch, recipe)
            found.append(_now(state.device) - start)
        if attempt >= 1 and _now(state.device) - begun > TRIALS_SECONDS:
            break
    best = min(range(len(candidates)), key=lambda i: min(times[i][1:]))
    return candidates[best]


def _race_size(state: TrainState, settings: Settings) -> int:
    """Convolutions tell in half a batch which way is fastest, in half the time and memory; small
    matrix products do not, nor may a group of samples that D compares be cut."""
    half = settings.budget.batch // 2
    group = state.d_group_size
    return (
        half
        if half > 1 and group and half % group == 0 and layers(state)
        else settings.budget.batch
    )


def _each_best(state: TrainState, settings: Settings) -> Choices:
    names, linear = layers(state), _matrix_layers(state)
    shapes = _input_shapes(state, settings, names | linear)
    cache: dict[object, str] = {}
    choices = {}
    for name, module in names.items():
        if name not in shapes:  # a grown network has no use for it any more
            choices[name] = "float32"
            continue
        key = (type(module), repr(module), shapes[name])
        if key not in cache:
            cache[key] = _faster(module, _some_input(shapes[name], state.device))
        choices[name] = cache[key]
    pairs = [(m, _some_input(shapes[n], state.device)) for n, m in linear.items()]
    choices[MATRICES] = _faster_products(pairs)
    return choices


def _matrix_layers(state: TrainState) -> dict[str, nn.Module]:
    nets = (("g", state.g_net), ("d", state.d_net))
    return {
        f"{prefix}.{name}": module
        for prefix, net in nets
        for name, module in net.named_modules()
        if isinstance(module, Linear)
    }


def _faster_products(pairs: list[tuple[nn.Module, Tensor]]) -> str:
    """'bfloat16' if all matrix layers together take clearly less time with it."""
    times: dict[bool, list[float]] = {False: [], True: []}
    for attempt in range(3):  # interleaved; the first warms up
        for half, found in times.items():
            with matrix_products(half):
                seconds = sum(_time_layer(module, x) for module, x in pairs)
            if attempt:
                found.append(seconds)
    full, half_time = (min(found) for found in times.values())
    return "bfloat16" if half_time < (1 - BF16_MUST_SAVE) * full else "float32"


def _input_shapes(
    state: TrainState, settings: Settings, modules: Mapping[str, nn.Module]
) -> dict[str, tuple[int, ...]]:
    """The shape of what each of these layers gets in a full batch, found with a few pictures."""
    least = smallest_micro_batch(state)
    seen: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, inputs: tuple[Tensor, ...], _output: object) -> None:
            count = inputs[0].shape[0] * settings.budget.batch // least  # a pack counts as one
            seen[name] = (count, *inputs[0].shape[1:])

        return hook

    hooks = [m.register_forward_hook(note(name)) for name, m in modules.items()]
    with evaluating(state), torch.no_grad():
        batch = dummy_batch(settings, state.device, least)
        z = torch.randn(least, settings.latent.dim, device=state.device)
        state.d_net(state.g_net(z, batch.labels), batch.labels)
    for hook in hooks:
        hook.remove()
    return seen


def _some_input(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Random numbers in the memory layout that activations have."""
    x = torch.randn(shape, device=device)
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def ways_on(device: str, small: bool) -> tuple[str, ...]:
    """Which of WAYS are tried on this kind of device. small: whether the layer can be one matrix
    product and its pictures are small, which saves time where memory is near: on processors."""
    return tuple(name for name, way in WAYS.items()
                 if not way.as_matrix or (device == "cpu" and small))  # fmt: skip


def _faster(module: Convolution, x: Tensor) -> str:
    """The way in which forward and backward of this layer take least time; bfloat16 only if it is
    clearly faster."""
    pixels = min(x.shape[2] * x.shape[3], module(x[:1]).shape[2:].numel())
    ways = ways_on(x.device.type, can_be_matrix(module) and pixels <= MOST_MATRIX_PIXELS)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for attempt in range(3):  # interleaved; the first warms up
        for name, found in times.items():
            WAYS[name].set(module)
            seconds = _time_layer(module, x.to(WAYS[name].compute or x.dtype))
            if attempt:
                found.append(seconds)
    Way().set(module)
    weighed = {  # whatever disturbs makes it slower, so the least counts
        name: min(found) * (1 if WAYS[name].compute is None else 1 / (1 - BF16_MUST_SAVE))
        for name, found in times.items()
    }
    return min(weighed, key=lambda name: weighed[name])


def _time_layer(module: nn.Module, x: Tensor) -> float:
    x = x.detach().requires_grad_(True)
    parameters = [p for p in module.parameters() if p.requires_grad]
    start = _now(x.device)
    out = module(x)
    torch.autograd.grad(out, [x, *parameters], torch.ones_like(out))
    return _now(x.device) - start


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _measure_steps(state: TrainState, settings: Settings, micro: int) -> float:
    """Images per second of whole steps: those with penalties due and those without, in the
    proportion in which they occur."""
    recipe = replace(build.recipe(settings), micro_batch=micro)
    batch = dummy_batch(settings, state.device, settings.budget.batch)
    every = max((p.every for p in recipe.d_penalties), default=1)
    timed: dict[int, list[float]] = {0: [], 1: []}
    begun = _now(state.device)
    while len(timed[1]) < LEAST_ROUNDS or (
        len(timed[1]) < MOST_ROUNDS and _now(state.device) - begun < STEPS_SECONDS
    ):
        for kind, found in timed.items():
            state.step = kind
            start = _now(state.device)
            train_step(state, lambda _: batch, recipe)
            found.append(_now(state.device) - start)
    due, plain = (statistics.median(found[1:]) for found in timed.values())  # the first warms up
    mean = (due + (every - 1) * plain) / every
    return settings.game.d_steps * settings.budget.batch / mean
