"""Style mixing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from ganwerk.control.layers import band, chosen
from ganwerk.control.mix import crossed, mix, sheet
from ganwerk.control.steered import Steered
from ganwerk.errors import ConfigError, MachineError


@pytest.fixture
def opened(styled, monkeypatch):
    """What any run is taken for."""
    monkeypatch.setattr(Steered, "open", classmethod(lambda *_: styled))
    return styled


def test_some_layers_of_the_column_the_rest_of_the_row(styled):
    rows, columns = styled.places([1, 2]), styled.places([5, 6, 7])
    mixed = crossed(rows, columns, [1, 2])
    assert len(mixed) == 6
    for number, (row, column) in enumerate((r, c) for r in range(2) for c in range(3)):
        theirs, ours = columns.styles[column], rows.styles[row]
        expected = torch.stack([ours[0], theirs[1], theirs[2], ours[3]])
        assert torch.equal(mixed.styles[number], expected)
        assert torch.equal(mixed.shares[number], rows.shares[row])
    assert torch.equal(crossed(rows, columns, []).styles[0], rows.styles[0])


def test_the_sheet(opened, tmp_path):
    done = mix(tmp_path, [1, 2], [5, 6, 7], layers="fine", out=tmp_path / "m.png")
    assert done.layers == (3, 4)
    with Image.open(done.path) as found:
        pixels = np.asarray(found)
    assert pixels.shape == (3 * 18 + 2, 4 * 18 + 2)

    def cell(row, column):
        return pixels[2 + 18 * row :][:16, 2 + 18 * column :][:, :16]

    assert (cell(0, 0) == 255).all()
    rows, columns = opened.places([1, 2]), opened.places([5, 6, 7])
    assert np.array_equal(cell(2, 0), opened.draw(rows)[1, ..., 0])
    assert np.array_equal(cell(0, 3), opened.draw(columns)[2, ..., 0])
    both = opened.draw(crossed(rows, columns, [2, 3]))
    assert np.array_equal(cell(2, 1), both[3, ..., 0])
    with pytest.raises(MachineError, match="exists"):
        mix(tmp_path, [1], [5], layers="fine", out=done.path)


def test_where_there_is_transparency_the_corner_is_clear():
    assert not sheet(np.ones((3, 4, 4, 4), np.uint8), 1, 1)[2:6, 2:6, 3].any()


def test_layers_by_name_and_by_number(styled):
    space = styled.space
    assert chosen(space, "all") == [0, 1, 2, 3]
    assert chosen(space, "2-3") == [1, 2]
    assert chosen(space, "4") == [3]
    assert (chosen(space, "middle"), chosen(space, "fine")) == ([0, 1], [2, 3])
    with pytest.raises(ConfigError, match="There are no coarse layers"):
        chosen(space, "coarse")


@pytest.mark.parametrize(
    ("largest", "bands"),
    [
        (16, {4: "coarse", 8: "middle", 16: "fine"}),
        (28, {7: "coarse", 14: "middle", 28: "fine"}),
        (64, {4: "coarse", 8: "coarse", 16: "middle", 32: "middle", 64: "fine"}),
        (1024, {8: "coarse", 32: "middle", 64: "fine", 1024: "fine"}),
    ],
)
def test_bands_are_those_of_the_paper(largest, bands):
    assert {side: band(side, largest) for side in bands} == bands


@pytest.mark.parametrize("layers", ["0-2", "3-5", "5", "3-2"])
def test_layers_that_do_not_exist(opened, tmp_path, layers):
    with pytest.raises(ConfigError, match=r"no layers .*: the generator has layers 1-2 at 8 px"):
        mix(tmp_path, [1], [5], layers=layers, out=tmp_path / "m.png")


def test_a_band_that_is_none(opened, tmp_path):
    with pytest.raises(ConfigError, match="--layers cannot be 'course'") as caught:
        mix(tmp_path, [1], [5], layers="course", out=tmp_path / "m.png")
    assert "Did you mean 'coarse'?" in caught.value.hint


def test_a_run_without_styles(run, tmp_path):
    with pytest.raises(ConfigError, match="network is 'dcgan', which has none") as caught:
        mix(run, [1], [5], out=tmp_path / "m.png")
    assert "stylegan" in caught.value.hint
    with pytest.raises(ConfigError, match="more than"):
        mix(run, range(200), range(200), out=tmp_path / "m.png")
    assert list(tmp_path.iterdir()) == []
