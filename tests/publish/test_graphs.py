"""Graphs of every kind of network draw what torch draws, and tell nothing of the machine."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ganwerk.config import load
from ganwerk.errors import ConfigError, MachineError
from ganwerk.publish import graphs
from ganwerk.publish.exported import PICTURE, STYLES
from ganwerk.publish.graphs import LARGEST_DIFFERENCE, failing_layer, simplified, written
from tests.publish.samplers import sampler

onnx = pytest.importorskip("onnx", reason="needs the extra 'export'")

KINDS = [
    (preset, classes, (1, 3, 4)[(number + classes) % 3])
    for number, preset in enumerate(load.preset_names())
    for classes in (0, 3)
]


@pytest.mark.parametrize(("preset", "classes", "channels"), KINDS)
def test_every_preset(preset, classes, channels):
    files, found = written(sampler(preset, classes, channels), half=False)
    assert set(found.float32) == {1, 3, 8}
    assert max(found.float32.values()) < LARGEST_DIFFERENCE / 10
    assert found.largest_grey <= 1
    for content in files.values():
        model = onnx.load_from_string(content)
        assert [entry.version for entry in model.opset_import if not entry.domain] == [20]
        assert not model.functions
        secret = [str(Path.home()), os.getcwd(), str(Path(graphs.__file__).parent), ".py", "/site-"]
        user = getpass.getuser()
        if len(user) > 4:  # a short one is a syllable
            secret.append(user)
        assert [text for text in secret if text.encode() in content] == []


@pytest.mark.parametrize("kind", ["uniform", "sphere", "truncated"])
def test_every_kind_of_latents(kind):
    _, found = written(sampler("dcgan", 0, 1, latent__kind=kind), half=False)
    assert max(found.float32.values()) < LARGEST_DIFFERENCE / 10


@pytest.mark.parametrize("level", [0.0, 0.25, 1.0])
def test_a_growing_network_as_far_as_it_has_grown(level):
    some = sampler("progressive", 2, 3)
    some.net.grow(level)
    _, found = written(some, half=False)
    assert max(found.float32.values()) < LARGEST_DIFFERENCE / 10


def test_spectral_norm_and_matrix_products_are_resolved():
    some = sampler("dcgan", 0, 1, network__generator_norm="spectral")
    for module in some.net.modules():
        if isinstance(module, nn.Conv2d):
            module.as_matrix, module.compute = True, torch.bfloat16
    exact = simplified(some)
    assert not any("parametrizations" in name for name, _ in exact.net.named_parameters())
    assert {m.compute for m in exact.net.modules() if isinstance(m, nn.Conv2d)} == {None}
    assert any(m.compute for m in some.net.modules() if isinstance(m, nn.Conv2d)), "the run's own"


def test_half_the_size_and_less_than_half_a_grey_level():
    some = sampler("stylegan", 3, 3, network__generator_width=32, network__max_width=64)
    exact, _ = written(some, half=False)
    half, found = written(some, half=True)
    sizes = [sum(map(len, files.values())) for files in (exact, half)]
    few = 20_000  # names of nodes and small tensors, which are no weights
    assert sizes[1] - few < 0.5 * (sizes[0] - few)
    assert 0 < found.mean_grey < 0.5
    assert max(found.float32.values()) < LARGEST_DIFFERENCE / 10, "of the exact graphs"


def test_numbers_that_half_precision_cannot_hold_stay():
    some = sampler("listing", 0, 1)
    some.net.picture.weight.data[0, 0] = 1e6
    files, _ = written(some, half=True)
    kinds = {t.name: t.data_type for t in onnx.load_from_string(files[PICTURE]).graph.initializer}
    assert kinds["net.picture.weight"] == onnx.TensorProto.FLOAT
    assert onnx.TensorProto.FLOAT16 in kinds.values()


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


def test_other_pictures_than_torch_are_refused(monkeypatch):
    some = sampler("listing", 0, 1)
    true = graphs._reference(some)
    monkeypatch.setattr(graphs, "_reference", lambda _: true + 2 * LARGEST_DIFFERENCE)
    with pytest.raises(MachineError, match=r"differ by 0\.00"):
        written(some, half=False)


def test_the_graphs_take_what_space_says():
    for preset, where in (("r3", PICTURE), ("stylegan", STYLES)):
        files, _ = written(sampler(preset, 2, 1), half=False)
        for name, content in files.items():
            model = onnx.load_from_string(content)
            takes = [value.name for value in model.graph.input]
            assert ("shares" in takes) == (name == where)


def test_drawing_needs_no_company():
    """Batches of any number: the first picture is the same."""
    from ganwerk.publish.drawing import session

    some = sampler("stylegan-first", 0, 1)
    files, _ = written(some, half=False)
    paint = session(files[PICTURE], PICTURE)
    styles = np.random.default_rng(0).standard_normal((5, some.space.layers, some.space.size))
    together = paint({"styles": styles.astype(np.float32)})
    alone = paint({"styles": styles[:1].astype(np.float32)})
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)  # sums in another order
