from __future__ import annotations

import itertools
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganwerk.errors import CheckpointError, DivergedError
from ganwerk.run import Run
from ganwerk.run.tensors import read_tensors, write_tensors

DTYPES = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
]
LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "plain": lambda tensor: tensor,
    "transposed": lambda tensor: tensor.permute(tuple(range(tensor.ndim))[::-1]),
    "every second": lambda tensor: tensor[::2] if tensor.ndim else tensor,
    "expanded": lambda tensor: tensor.expand(3, *tensor.shape),
}


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    """Any type, shape (empty ones too) and layout, with any bits, NaN among them."""
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    size = math.prod(shape) * dtype.itemsize
    content = draw(st.binary(min_size=size, max_size=size))
    raw = torch.tensor(list(content), dtype=torch.uint8)
    plain = (raw & 1).bool() if dtype == torch.bool else raw.view(dtype)
    return LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](plain.reshape(shape))


def bits(tensor: Tensor) -> tuple[Any, ...]:
    flat = tensor.detach().clone(memory_format=torch.contiguous_format).flatten()
    flat = flat.as_strided((flat.numel(),), (1,))
    return tensor.dtype, tuple(tensor.shape), flat.view(torch.uint8).tolist()


def numbers(run: Run) -> list[int]:
    return [info.images for info in run.checkpoints()]


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=8), tensors(), max_size=4))
def test_tensors_come_back_bit_for_bit(content: dict[str, Tensor]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        seal = write_tensors(path, content)
        assert path.stat().st_size == seal.size_bytes
        back = read_tensors(path, seal)
        theirs = safetensors.torch.load_file(path)
    assert back.keys() == content.keys() == theirs.keys()
    for name, tensor in content.items():
        assert bits(back[name]) == bits(tensor) == bits(theirs[name])


def test_a_checkpoint_comes_back_whole(run: Run) -> None:
    shared = torch.randn(6)
    net = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    weights = dict(net.state_dict()) | {"live": net.weight}
    state = {"a": shared, "b": shared[2:4], "half": shared.bfloat16()}
    meta = {"step": 7, "seconds": 1.23456789012, "note": {"é": [True, None, 0.1 + 0.2]}}
    path = run.save(640, weights, state, meta)
    assert path == run.path / "checkpoints" / "000000640"
    found = Run.open(run.path).load()
    assert (found.images, found.path, found.skipped) == (640, path, ())
    assert found.meta == meta
    for before, after in ((weights, found.weights), (state, found.state)):
        assert {name: bits(tensor) for name, tensor in after.items()} == {
            name: bits(tensor) for name, tensor in before.items()
        }
        assert not any(tensor.requires_grad for tensor in after.values())


def test_weights_alone_need_no_state(run: Run, save: Callable[..., Path]) -> None:
    (save(10) / "state.safetensors").write_bytes(b"damaged")
    found = run.load_weights()
    assert (found.images, found.meta, found.skipped) == (10, {"step": 1}, ())
    assert found.weights["g.count"] == 10
    with pytest.raises(CheckpointError):
        run.load()


def test_the_list_says_what_is_there(run: Run, save: Callable[..., Path]) -> None:
    path = save(10, best=True)
    save(20)
    first, second = run.checkpoints()
    assert (first.images, first.best, first.damage) == (10, True, "")
    assert (second.images, second.best, second.damage) == (20, False, "")
    assert first.created.endswith("+00:00")
    on_disk = sum(p.stat().st_size for p in path.glob("*.safetensors"))
    assert first.size_bytes == on_disk


def test_the_last_and_the_best_and_the_protected_stay(run: Run, save: Callable[..., Path]) -> None:
    save(10)
    save(20, best=True)
    save(30, best=True)
    for images in (40, 50, 60, 70):
        save(images, keep=2, protected=(10,))
    assert numbers(run) == [10, 30, 60, 70]
    assert run.load("best").images == 30
    assert run.load("latest").images == 70
    assert run.load(60).images == run.load("60").images == 60
    save(80, keep=0)
    assert numbers(run) == [30, 80]


def test_nothing_hidden_is_left_by_saving(run: Run, save: Callable[..., Path]) -> None:
    for images in (10, 20, 20, 30):
        save(images, keep=2)
    assert sorted(p.name for p in run.checkpoints_path.iterdir()) == ["000000020", "000000030"]


def test_saving_the_same_number_again_replaces_it(run: Run, save: Callable[..., Path]) -> None:
    save(10, note="first")
    save(10, note="second")
    assert run.load().meta["note"] == "second"


def test_the_latest_is_the_last_saved_after_going_on_from_an_earlier_one(
    run: Run, save: Callable[..., Path]
) -> None:
    for images in (10, 20, 30):
        save(images)
    save(15, keep=2)
    assert run.load().images == 15
    assert numbers(run) == [30, 15]


def test_a_number_that_is_not_there(run: Run, save: Callable[..., Path]) -> None:
    save(10)
    save(20)
    with pytest.raises(CheckpointError, match="has no checkpoint at 15 images") as caught:
        run.load(15)
    assert caught.value.hint == "There are: 10, 20, and 'latest'."
    with pytest.raises(CheckpointError, match="has no checkpoint marked as best") as caught:
        run.load("best")
    assert "10, 20" in caught.value.hint


def test_a_name_that_means_nothing(run: Run, save: Callable[..., Path]) -> None:
    save(10)
    with pytest.raises(CheckpointError, match="'lates' names no checkpoint") as caught:
        run.load_weights("lates")
    assert caught.value.hint == "Did you mean 'latest'?"


@pytest.mark.parametrize("at", ["latest", "best", 10])
def test_a_run_without_checkpoints(run: Run, at: int | str) -> None:
    with pytest.raises(CheckpointError, match="fruits has no checkpoint") as caught:
        run.load(at)
    assert caught.value.hint.endswith(f"Begin it: ganwerk resume {run.path}")


def test_a_note_that_is_not_finite(run: Run) -> None:
    with pytest.raises(
        DivergedError, match="score is nan in the checkpoint at 10 images"
    ) as caught:
        run.save(10, {}, {}, {"score": float("nan")})
    assert "learning rate" in caught.value.hint
    assert run.checkpoints() == []


def test_a_tensor_that_the_format_lacks(run: Run) -> None:
    with pytest.raises(TypeError, match=r"'z' of type torch\.complex64"):
        run.save(10, {"z": torch.zeros(2, dtype=torch.complex64)}, {}, {})
    assert list(run.checkpoints_path.iterdir()) == []


def test_the_journal_is_on_the_disk_before_the_weights(
    run: Run, save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    count = itertools.count()
    monkeypatch.setattr(run.journal, "flush", lambda: order.append("journal"))
    monkeypatch.setattr("os.rename", lambda *_: order.append(f"rename {next(count)}"))
    save(10)
    assert order == ["journal", "rename 0"]
