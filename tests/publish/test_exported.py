"""Exports of strangers, damaged ones, and pictures drawn from sound ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.errors import ConfigError, MachineError, RunError
from ganwerk.game.latents import LATENTS, for_seeds
from ganwerk.publish import drawing
from ganwerk.publish.drawing import Drawer, latents, sample_export
from ganwerk.publish.exported import PICTURE, SPACE, STYLES, open_export
from ganwerk.publish.publish import publish
from ganwerk.sampling.wanted import Target
from tests.publish.exports import export_of

GREY = 1  # a level: sums in another order may round to the neighbouring one


@pytest.fixture
def copy(exported, tmp_path):
    """An export of one's own, and a way to change its space.json."""
    folder = tmp_path / "export"
    folder.mkdir()
    for path in exported["plain"].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())

    def change(**parts):
        values = json.loads((folder / SPACE).read_text())
        for key, value in parts.items():
            *tables, last = key.split("__")
            table = values
            for name in tables:
                table = table[name]
            table[last] = value
        (folder / SPACE).write_text(json.dumps(values))
        return folder

    return change


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=5), st.sampled_from([*LATENTS]))
def test_latents_are_those_of_torch(seeds, kind):
    exact = for_seeds(LATENTS[kind], seeds, 24).numpy()
    np.testing.assert_allclose(latents(kind, seeds, 24), exact, atol=2e-6)  # float32's rounding


def test_latents_of_the_smallest_and_the_largest_number_drawn(monkeypatch):
    ends = np.asarray([[0.0, 1 - 2**-24]], np.float32)
    monkeypatch.setattr(drawing, "uniforms", lambda *_: ends)
    for kind in LATENTS:
        found = torch.from_numpy(ends).clamp_min(2.0**-25)
        np.testing.assert_allclose(
            latents(kind, [0], 2), LATENTS[kind].of_uniform(found).numpy(), atol=2e-6
        )


@pytest.mark.parametrize("kind", ["plain", "styled"])
def test_draws_what_torch_draws(kind, exported, plain, styled):
    sampler = {"plain": plain, "styled": styled}[kind]
    drawer = Drawer(exported[kind])
    seeds = [*range(70), 2**63 - 1]
    for classes, truncation in (((), 1.0), (sampler.class_names[:2], 0.6)):
        labels = drawer.labels(seeds, classes)
        drawn = np.concatenate(list(drawer.batches(seeds, labels, truncation)))
        expected = sampler.draw(seeds, classes, truncation=truncation)
        assert np.abs(drawn.astype(int) - expected).max() <= GREY
    alone = np.concatenate(list(drawer.batches([69], drawer.labels([69]), 1.0)))
    together = np.concatenate(list(drawer.batches(seeds, drawer.labels(seeds), 1.0)))
    np.testing.assert_array_equal(alone[0], together[69])


def test_sample_writes_as_of_a_run(exported, tmp_path):
    made = sample_export(exported["plain"], [3, 4], Target(tmp_path / "out", grid=True))
    assert [path.name for path in made.paths] == ["grid.png"]
    with pytest.raises(MachineError, match="exists already"):
        sample_export(exported["plain"], [3], Target(tmp_path / "out", grid=True))
    made = sample_export(
        exported["plain"], [3], Target(tmp_path / "out", "npz"), classes=["kind 2"]
    )
    with np.load(made.paths[0]) as stored:
        assert stored["labels"].tolist() == [2]


CODE = """
import sys
from ganwerk.cli import entry
entry.main(sys.argv[1:], "ganwerk", standalone_mode=False)
heavy = {"torch", "torchvision", "onnx", "scipy", "sklearn", "matplotlib"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""


def test_the_command_needs_no_torch(exported, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CODE, "sample", str(exported["plain"]), "--seeds", "0-3", "--out",
         str(tmp_path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"
    assert len(list(tmp_path.glob("seed-*.png"))) == 4


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"picture__resolution": 10**9}, "picture.resolution"),
        ({"picture__channels": 2}, "picture.channels"),
        ({"latents__dim": 10**12}, "latents.dim"),
        ({"latents__kind": "os.system"}, "latents.kind"),
        ({"size": 3}, "a vector has not 3 numbers"),
        ({"layers": [16] * 100}, "layers"),
        ({"bytes": {"../../etc/passwd": 10}}, "'bytes' must name"),
        ({"bytes": {STYLES: 10**18, PICTURE: 5}}, "bytes.styles.onnx"),
        ({"middles": [[0.0]]}, "a vector has not"),
        ({"directions__spreads": [1.0]}, "'spreads'"),
        ({"directions__layers": [99]}, "layers that are not there"),
        ({"classes": [{"name": "a", "count": 0}]}, "no class has a count"),
        ({"classes": [{"name": "a", "count": float("nan")}]}, "classes.0.count"),
        ({"format": 2}, "newer ganwerk"),
    ],
)
def test_a_hostile_space_is_refused(change, told, copy):
    folder = copy(**change)
    with pytest.raises(RunError, match=told) as caught:
        open_export(folder)
    assert caught.value.hint


def test_a_space_that_is_no_json_or_too_deep(copy):
    folder = copy()
    for text in ("{", "[" * 100_000, "[]", "7", "\udcff".encode("utf-8", "surrogateescape")):
        (folder / SPACE).write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(RunError, match="is damaged"):
            open_export(folder)


def test_graphs_that_are_cut_off_or_something_else(copy):
    folder = copy()
    whole = (folder / PICTURE).read_bytes()
    (folder / PICTURE).write_bytes(whole[:-100])
    with pytest.raises(RunError, match=r"space\.json says"):
        Drawer(folder)
    (folder / PICTURE).write_bytes(b"\0" * len(whole))
    with pytest.raises(RunError, match=r"picture\.onnx cannot be used"):
        Drawer(folder)
    (folder / PICTURE).unlink()
    with pytest.raises(RunError, match="is missing"):
        Drawer(folder)


def test_a_link_is_not_followed(copy, tmp_path):
    folder = copy()
    (tmp_path / "other").write_bytes((folder / PICTURE).read_bytes())
    (folder / PICTURE).unlink()
    os.symlink(tmp_path / "other", folder / PICTURE)
    with pytest.raises(RunError, match="is missing"):
        Drawer(folder)


def test_graphs_of_other_shapes_than_promised(copy):
    folder = copy(picture__channels=3)
    drawer = Drawer(folder)
    with pytest.raises(RunError, match=r"draws \(1, 16, 16\)"):
        list(drawer.batches([0], drawer.labels([0])))
    drawer = Drawer(copy(picture__channels=1, latents__dim=5))
    with pytest.raises(RunError, match="cannot be computed"):
        list(drawer.batches([0], drawer.labels([0])))
    drawer = Drawer(copy(latents__dim=8, classes=[]))
    with pytest.raises(RunError, match="wants an input 'shares'"):
        list(drawer.batches([0], drawer.labels([0])))


def test_bad_wishes(exported, plain):
    drawer = Drawer(exported["plain"])
    with pytest.raises(ConfigError, match="no class 'kind 9'"):
        drawer.labels([0], ["kind 9"])
    with pytest.raises(ConfigError, match="truncation"):
        sample_export(exported["plain"], [0], Target(exported["plain"]), truncation=2)
    with pytest.raises(ConfigError, match="seed"):
        sample_export(exported["plain"], [-1], Target(exported["plain"]))


def test_the_sphere_knows_no_middle(copy):
    folder = copy(latents__kind="sphere", middles=None)
    drawer = Drawer(folder)
    with pytest.raises(ConfigError, match="Truncation is not possible"):
        list(drawer.batches([0], drawer.labels([0]), 0.5))


def test_a_missing_library_names_the_extra(copy, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match="onnxruntime") as caught:
        Drawer(copy())
    assert "ganwerk[export]" in caught.value.hint


def test_an_export_is_published_as_it_is(exported, tmp_path):
    with pytest.raises(ConfigError, match="as it is"):
        publish(exported["plain"], tmp_path / "site", title="Other", runtime=tmp_path / "none")


def test_half_of_it_exports_as_well(plain, tmp_path):
    half = export_of(plain, tmp_path / "half", half=True)
    assert open_export(half).precision == "float16"
    drawn = np.concatenate(list(Drawer(half).batches([1, 2], plain.labels([1, 2]).numpy())))
    assert np.abs(drawn.astype(int) - plain.draw([1, 2])).mean() < 0.5
