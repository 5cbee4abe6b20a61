from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ganwerk.config import auto, build, load
from ganwerk.errors import ConfigError
from ganwerk.nn.layers import Conv2d
from ganwerk.runtime import machine
from ganwerk.training import footprint, probe
from ganwerk.values import DataFacts, MachineFacts, Origin, PictureShape

DATA = DataFacts(2000, PictureShape(32, 3), ("a", "b"), (900, 1100))
CPU = MachineFacts("cpu", "a processor", 2, 8 << 30, 6 << 30)


def settings_of(**sets):
    draft = load.collect(sets=[f"{k.replace('__', '.')}={v}" for k, v in sets.items()])
    draft.give("data.where", "x", Origin("asked for"))
    auto.decide(draft, DATA, CPU)
    return load.settle(draft)


def state_of(settings):
    return build.state(settings, 2, torch.device("cpu"), 1e6)


def test_memory_grows_with_the_batch_and_is_about_right():
    small, large = (settings_of(budget__batch=b) for b in (16, 64))
    needed = [footprint.step_memory(state_of(s), s) for s in (small, large)]
    assert 2 < needed[1] / needed[0] < 4.5
    assert 50 << 20 < needed[1] < 1 << 30


def test_the_probe_leaves_the_networks_as_they_were():
    settings = settings_of()
    state = state_of(settings)
    before = {k: v.clone() for k, v in state.tensors().items()}
    footprint.step_memory(state, settings)
    after = state.tensors()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert state.g_net.training


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_precision_that_was_asked_for_is_taken(precision):
    settings = settings_of(run__precision=precision, network__generator_width=8,
                           network__discriminator_width=8)  # fmt: skip
    probed = probe.probe(settings, 2, CPU)
    assert set(probed.choices.values()) == {precision}
    assert probed.images_per_second > 0


def test_choices_reach_every_layer_and_not_the_average():
    settings = settings_of()
    state = state_of(settings)
    names = probe.layers(state)
    probe.apply_choices(state, dict.fromkeys(names, "bfloat16 matrix"))
    assert all(m.compute == torch.bfloat16 and m.as_matrix for m in names.values())
    assert not any(getattr(m, "as_matrix", False) for m in state.ema.net.modules())
    assert all(getattr(m, "compute", None) is None for m in state.ema.net.modules())


def timed(monkeypatch, **seconds):
    """Pretend that layers take these seconds."""
    times = {probe.WAYS[name.replace("_", " ")]: t for name, t in seconds.items()}

    def time_layer(module, x):
        return times[probe.Way(module.compute, module.as_matrix)]

    monkeypatch.setattr(probe, "_time_layer", time_layer)


def test_the_faster_precision_is_chosen(monkeypatch):
    layer, x = Conv2d(2, 2, 1), torch.zeros(1, 2, 4, 4)
    timed(monkeypatch, float32=1.0, bfloat16=0.5)
    assert probe._faster(layer, x) == "bfloat16"
    timed(monkeypatch, float32=1.0, bfloat16=0.95)
    assert probe._faster(layer, x) == "float32"
    assert layer.compute is None


def test_small_pictures_may_be_convolved_by_matrix_product(monkeypatch):
    layer, x = Conv2d(2, 2, 4, 2, 1), torch.zeros(1, 2, 8, 8)
    timed(monkeypatch, float32=1.0, bfloat16=0.8, float32_matrix=0.7, bfloat16_matrix=0.6)
    assert probe._faster(layer, x) == "bfloat16 matrix"
    timed(monkeypatch, float32=1.0, bfloat16=0.8, float32_matrix=0.6, bfloat16_matrix=0.58)
    assert probe._faster(layer, x) == "float32 matrix"
    assert layer.as_matrix is False
    timed(monkeypatch, float32=1.0, bfloat16=0.8)  # any other way would be a KeyError
    assert probe._faster(layer, torch.zeros(1, 2, 32, 32)) == "bfloat16"


def test_machine_facts():
    facts = machine.facts()
    assert facts.cores >= 1
    assert 0 < facts.free_memory_bytes <= facts.memory_bytes
    assert facts.torch == torch.__version__


def test_a_measurement_is_remembered_for_a_day(monkeypatch, tmp_path):
    monkeypatch.setenv("GANWERK_CACHE", str(tmp_path))
    settings = settings_of(network__generator_width=8, network__discriminator_width=8)
    first = probe.probe(settings, 2, CPU)
    monkeypatch.setattr(probe, "_fastest", lambda *_: pytest.fail("measured again"))
    assert probe.probe(settings, 2, CPU) == first
    with pytest.raises(pytest.fail.Exception):
        probe.probe(settings, 2, CPU, anew=True)
    with pytest.raises(pytest.fail.Exception):
        probe.probe(settings, 2, replace(CPU, device_name="another"))
    for name in probe.KERNEL_LIMITS:  # other kernels, another choice
        with monkeypatch.context() as limited:
            limited.setenv(name, "SSE4_2")
            with pytest.raises(pytest.fail.Exception):
                probe.probe(settings, 2, CPU)
    with monkeypatch.context() as weaker:
        weaker.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "another")
        with pytest.raises(pytest.fail.Exception):
            probe.probe(settings, 2, CPU)
    assert probe.probe(settings, 2, CPU) == first
    monkeypatch.setattr(probe.time, "time", lambda: 1e12)
    with pytest.raises(pytest.fail.Exception):
        probe.probe(settings, 2, CPU)


def test_matrix_products_are_measured_together(monkeypatch):
    def seconds(module, x):
        return 0.5 if torch.get_float32_matmul_precision() == "medium" else 1.0

    monkeypatch.setattr(probe, "_time_layer", seconds)
    assert probe._faster_products([(torch.nn.Linear(2, 2), torch.zeros(1, 2))]) == "bfloat16"
    monkeypatch.setattr(probe, "_time_layer", lambda *_: 1.0)
    assert probe._faster_products([(torch.nn.Linear(2, 2), torch.zeros(1, 2))]) == "float32"


def test_whole_steps_decide_between_the_candidates(monkeypatch):
    settings = settings_of(network__generator_width=8, network__discriminator_width=8)
    state = state_of(settings)
    slow, fast = ({probe.MATRICES: p} for p in ("float32", "bfloat16"))
    seconds = {"float32": 2.0, "bfloat16": 1.0}
    elapsed = [0.0]

    def step(*_):
        medium = torch.get_float32_matmul_precision() == "medium"
        elapsed[0] += seconds["bfloat16" if medium else "float32"]

    monkeypatch.setattr(probe, "train_step", step)
    monkeypatch.setattr(probe, "_now", lambda _: elapsed[0])
    assert probe._fastest(state, settings, [slow, fast]) == fast
    seconds["bfloat16"] = 3.0
    assert probe._fastest(state, settings, [slow, fast]) == slow


def test_looking_ahead_takes_memory():
    """Each update that G looks ahead keeps D's activations alive once more."""
    sizes = []
    for steps in (0, 1, 2):
        draft = load.collect(remedies=[f"unrolled:steps={steps}"])
        draft.give("data.where", "x", Origin("asked for"))
        auto.decide(draft, DATA, CPU)
        settings = load.settle(draft)
        sizes.append(footprint.step_memory(state_of(settings), settings))
    assert sizes[2] - sizes[1] == pytest.approx(sizes[1] - sizes[0], abs=2)
    assert sizes[1] > 1.2 * sizes[0]


def style_settings(**sets):
    small = {"network__generator_width": 4, "network__discriminator_width": 4, "budget__batch": 32}
    wanted = small | sets | {"run__precision": "float32"}
    lines = [f"{k.replace('__', '.')}={v}" for k, v in wanted.items()]
    draft = load.collect(preset="stylegan", sets=lines)
    draft.give("data.where", "x", Origin("asked for"))
    auto.decide(draft, DATA, CPU)
    return load.settle(draft)


def test_a_batch_that_does_not_fit_is_computed_in_parts():
    settings = style_settings()
    whole = footprint.step_memory(state_of(settings), settings)
    probed = probe.probe(settings, 2, CPU)
    assert probed.micro == 0
    small = probe.probe(settings, 2, replace(CPU, free_memory_bytes=whole - 1), anew=True)
    assert small.micro == 16
    assert small.memory_bytes < whole
    assert small.images_per_second > 0


def test_parts_that_were_asked_for_are_taken_and_bad_ones_refused():
    assert probe.probe(style_settings(budget__micro_batch=8), 2, CPU).micro == 8
    for micro, words in ((6, "groups of 4"), (12, "divide")):
        with pytest.raises(ConfigError, match=words):
            probe.probe(style_settings(budget__micro_batch=micro), 2, CPU)


def test_what_does_not_fit_in_parts_either_is_refused():
    from ganwerk.config.build import weight_counts
    from ganwerk.errors import MachineError
    from ganwerk.runtime.memory import TRAINED_COPIES

    settings = style_settings()
    weights = 4 * TRAINED_COPIES * sum(weight_counts(settings, 2))  # fit, and nothing beside them
    with pytest.raises(MachineError, match="needs about"):
        probe.probe(settings, 2, replace(CPU, free_memory_bytes=weights))


def test_layers_that_a_grown_network_does_not_use_stay_as_they_are(monkeypatch):
    timed(monkeypatch, float32=1.0, bfloat16=0.5, float32_matrix=2.0, bfloat16_matrix=2.0)
    lines = ["network.generator_width=4", "network.discriminator_width=4", "budget.batch=8"]
    draft = load.collect(preset="progressive", sets=lines)
    draft.give("data.where", "x", Origin("asked for"))
    auto.decide(draft, DATA, CPU)
    settings = load.settle(draft)
    monkeypatch.setattr(probe, "_faster_products", lambda pairs: "float32")
    choices = probe._each_best(state_of(settings), settings)
    assert choices["g.pictures.0"] == "float32"
    assert choices["g.pictures.3"] == "bfloat16"


@pytest.mark.parametrize(
    ("device", "small", "ways"),
    [
        ("cpu", True, ["float32", "bfloat16", "float32 matrix", "bfloat16 matrix"]),
        ("cpu", False, ["float32", "bfloat16"]),
        ("cuda", True, ["float32", "bfloat16"]),
        ("cuda", False, ["float32", "bfloat16"]),
        ("mps", True, ["float32", "bfloat16"]),
    ],
)
def test_the_ways_to_compute_on_each_kind_of_device(device, small, ways):
    assert list(probe.ways_on(device, small)) == ways
