"""Graphs of every kind of network draw what torch draws, and tell nothing of the machine."""

from __future__ import annotations

import getpass
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ganwerk.config import load
from ganwerk.errors import ConfigError, MachineError
from ganwerk.nn.layers import CONVOLUTIONS
from ganwerk.publish import graphs
from ganwerk.publish.exported import PICTURE, STYLES
from ganwerk.publish.graphs import (
    LARGEST_DIFFERENCE,
    failing_layer,
    halved,
    simplified,
    written,
)
from tests.publish.samplers import sampler

onnx = pytest.importorskip("onnx", reason="needs the extra 'export'")

UNCLASSED = ("auto", "stylegan")
"""Presets that are exported without classes too in every run; the others in the slow one."""

KINDS = [
    pytest.param(preset, classes, (1, 3, 4)[(number + classes) % 3], marks=marks)
    for number, preset in enumerate(load.preset_names())
    for classes, marks in (
        (3, ()),
        (0, () if preset in UNCLASSED else pytest.mark.slow),
    )
]


@cache
def made(preset, classes, channels):
    """A generator, its graphs in float32, and what they differ by."""
    some = sampler(preset, classes, channels)
    return some, *written(some, half=False)


@pytest.mark.parametrize(("preset", "classes", "channels"), KINDS)
def test_every_preset(preset, classes, channels):
    some, files, found = made(preset, classes, channels)
    assert set(found.float32) == {1, 3, 8}
    assert max(found.float32.values()) < LARGEST_DIFFERENCE / 10
    assert found.largest_grey <= 1
    for name, content in files.items():
        model = onnx.load_from_string(content)
        assert [entry.version for entry in model.opset_import if not entry.domain] == [20]
        assert not model.functions
        takes = [value.name for value in model.graph.input]
        there = PICTURE if some.space.beside_classes else STYLES
        assert ("shares" in takes) == (bool(classes) and name == there)
        secret = [str(Path.home()), os.getcwd(), str(Path(graphs.__file__).parent), ".py", "/site-"]
        user = getpass.getuser()
        if len(user) > 4:  # a short one is a syllable
            secret.append(user)
        assert [text for text in secret if text.encode() in content] == []


@pytest.mark.parametrize("level", [0.0, 0.25])
def test_a_growing_network_as_far_as_it_has_grown(level):
    some = sampler("progressive", 2, 3)
    some.net.grow(level)
    _, found = written(some, half=False)
    assert max(found.float32.values()) < LARGEST_DIFFERENCE / 10


def test_spectral_norm_and_what_the_machine_prefers():
    some = sampler("dcgan", 0, 1, network__generator_norm="spectral")
    files, found = written(some, half=False)
    assert max(found.float32.values()) < LARGEST_DIFFERENCE / 10
    assert set(files) == {STYLES, PICTURE}
    for module in some.net.modules():
        if isinstance(module, CONVOLUTIONS):
            module.as_matrix, module.compute = True, torch.bfloat16
    exact = simplified(some)
    assert {m.compute for m in exact.net.modules() if isinstance(m, CONVOLUTIONS)} == {None}
    assert any(m.compute for m in some.net.modules() if isinstance(m, CONVOLUTIONS)), (
        "the run's own"
    )
    z = torch.randn(2, 1, some.space.size, generator=torch.Generator().manual_seed(0))
    twice = [space.pictures(z, None) for space in (exact.space, some.space)]
    torch.testing.assert_close(*twice, atol=0.1, rtol=0)  # bfloat16 against float32


def test_half_the_size_and_less_than_half_a_grey_level():
    some, exact, _ = made("stylegan", 3, 3)
    half = {
        name: halved(onnx.load_from_string(content)).SerializeToString()
        for name, content in exact.items()
    }
    stored = [
        sum(t.ByteSize() for c in files.values() for t in onnx.load_from_string(c).graph.initializer
            if t.ByteSize() > 2000)
        for files in (exact, half)
    ]  # fmt: skip
    assert stored[1] < 0.5 * stored[0]
    drawn = [graphs._grey(graphs._drawn(some, files, 8)).astype(int) for files in (exact, half)]
    assert 0 < np.abs(drawn[0] - drawn[1]).mean() < 0.5


def test_numbers_that_half_precision_cannot_hold_stay():
    from onnx import TensorProto, helper, numpy_helper

    values = np.ones((2, 512), np.float32)
    values[1, 7] = 1e6
    tensors = {"small": values[0, :9], "fine": values[0], "huge": values[1]}
    initial = [numpy_helper.from_array(array, name) for name, array in tensors.items()]
    graph = halved(helper.make_model(helper.make_graph([], "g", [], [], initial))).graph
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    assert kinds == {
        "small": TensorProto.FLOAT, "fine.half": TensorProto.FLOAT16, "huge": TensorProto.FLOAT
    }  # fmt: skip
    assert [(node.input[0], node.output[0]) for node in graph.node] == [("fine.half", "fine")]


class Moody(nn.Module):
    """A layer whose operations depend on what goes through it."""

    def forward(self, x):
        return x + 1 if float(x.sum()) > 0 else x


def test_a_layer_that_cannot_be_exported_is_named():
    some = sampler("dcgan", 0, 1)
    some.net.stages[0].append(Moody())
    with pytest.raises(ConfigError, match=r"layer 'stages\.0\.\d+ \(Moody\)' cannot be exported"):
        written(some, half=False)


class Counted(nn.Module):
    """A layer that makes a constant of the number of pictures."""

    def forward(self, x):
        return x.reshape(len(x), -1)


def test_a_frozen_number_of_pictures_is_refused():
    some = sampler("listing", 0, 1)
    some.net.hidden.append(Counted())
    with pytest.raises(ConfigError, match="froze the number of pictures"):
        written(some, half=False)


def test_layers_that_export_are_not_blamed():
    some = simplified(sampler("dcgan", 0, 1))
    z = torch.zeros(3, 1, some.space.size)
    assert failing_layer(graphs.Painting(some.net, some.space), [z]) is None


def test_other_pictures_than_torch_are_refused():
    some, files, _ = made("listing", 3, 4)
    wrong = graphs._reference(some) + 2 * LARGEST_DIFFERENCE
    with pytest.raises(MachineError, match=r"differ by 0\.00"):
        graphs._check_exact(some, files, wrong)
    with pytest.raises(MachineError, match="nan"):
        graphs._check_exact(some, files, wrong * np.nan)


def test_drawing_needs_no_company():
    """Batches of any number: the first picture is the same."""
    from ganwerk.publish.drawing import session

    some, files, _ = made("stylegan", 3, 3)
    paint = session(files[PICTURE], PICTURE)
    styles = np.random.default_rng(0).standard_normal((5, some.space.layers, some.space.size))
    together = paint({"styles": styles.astype(np.float32)})
    alone = paint({"styles": styles[:1].astype(np.float32)})
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)  # sums in another order
