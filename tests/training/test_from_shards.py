"""Training from shards: the weights of the folder, wherever the shards lie, and exact resume."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ganwerk.data import load_pictures
from ganwerk.data.shards.store import Shards
from ganwerk.data.shards.write import write_shards
from ganwerk.errors import DataError
from ganwerk.run import Run
from ganwerk.training.train import resume, train
from ganwerk.values import ignore_progress
from tests.shard_server import serving
from tests.training.test_train import assert_same, stop_after


@pytest.fixture(autouse=True)
def little(monkeypatch):
    monkeypatch.setattr("ganwerk.training.play.TELL_SECONDS", 0.0)
    monkeypatch.setattr("ganwerk.data.shards.load.NEAR_PICTURES", 20)


@pytest.fixture
def shards(tmp_path, folder):
    """Nine shards of seven pictures."""
    target = tmp_path / "shards"
    pictures = load_pictures(folder, resolution=16, memory_budget_bytes=1 << 26)
    write_shards(pictures, target, shard_mb=7 * 768 / 2**20, progress=ignore_progress)
    return target


def test_the_weights_are_those_of_the_folder(tiny, folder, shards):
    """In memory, and row by row from the disk, as where the memory does not hold them."""
    plain = train(tiny("folder", where=str(folder), data__resolution=16))
    assert_same(plain, train(tiny("memory", where=str(shards / "index.json"))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganwerk.data.shards.load._in_memory", lambda shards, _: shards)
        assert_same(plain, train(tiny("rows", where=str(shards), data__window=9)))


def test_windows_give_the_same_weights_from_anywhere(tiny, shards):
    local = train(tiny("local", where=str(shards / "index.json"), data__window=2))
    with serving(shards) as server:
        far = train(tiny("far", where=server.index, data__window=2))
        assert_same(local, far)
        part = train(tiny("part", where=server.index, data__window=2), stop_after(7))
        moved = shards.rename(shards.with_name("elsewhere"))
        server.folder = moved
    with pytest.raises(DataError, match="Connection refused"):
        resume(part)
    assert resume(part, where=str(moved / "index.json")) == part
    assert_same(local, part)
    settings = Run.open(part).settings_toml
    assert "window = 2" in settings
    assert str(moved / "index.json") in settings


def test_a_training_reads_only_what_is_at_hand(tiny, shards, monkeypatch):
    """Nothing that looks at pictures (measures, the doctor, grids) asks for all of them."""
    real, read = Shards.__getitem__, []

    def only_near(self, numbers):
        records = self.index.record_of[numbers]
        used = set(np.searchsorted(self.index.ends, records, side="right").tolist())
        read.append(used <= {*self._wanted, *self.kept})
        return real(self, numbers)

    monkeypatch.setattr(Shards, "__getitem__", only_near)
    monkeypatch.setattr("ganwerk.training.gauge.FEWEST", 8)
    monkeypatch.setattr("ganwerk.training.exam.COST_SHARE", 1e9)
    run = Run.open(train(tiny(where=str(shards), data__window=5, images=160)))
    assert run.journal.rows("look")
    assert len(read) > 10
    assert all(read)


def test_other_shards_are_noticed(tiny, shards, folder):
    part = train(tiny("part", where=str(shards / "index.json")), stop_after(3))
    pictures = load_pictures(folder, resolution=16, memory_budget_bytes=1 << 26)
    negative = replace(pictures, images=255 - pictures.images)
    write_shards(negative, shards, force=True, progress=ignore_progress)
    with pytest.raises(DataError, match="changed since the run was started"):
        resume(part)
