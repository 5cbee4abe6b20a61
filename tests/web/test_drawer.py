"""The process that draws, asked as the server asks it."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import signal

import numpy as np
import pytest
from PIL import Image

from ganwerk.errors import MachineError
from ganwerk.run import Run
from ganwerk.sampling.sample import Sampler
from ganwerk.web.child import AnswerError, Child, Children, DroppedError
from ganwerk.web.drawer import Pace

NAME = "ganwerk.web.drawer"


@pytest.fixture(scope="module")
def run(tmp_path_factory, digits_run):
    return shutil.copytree(digits_run, tmp_path_factory.mktemp("web") / "digits")


@pytest.fixture(scope="module")
def child(loop, run):
    """One process for all tests."""
    child = Child(NAME, (str(run), "latest"))
    yield child
    loop(child.close())


def pixels(body):
    with Image.open(io.BytesIO(body)) as picture:
        return np.asarray(picture)


async def pictures(child, **head):
    return [message async for message in child.answers(head)]


def test_what_it_draws_is_what_sample_draws(child, loop, run):
    sampler = Sampler.open(run)
    found = loop(pictures(child, do="draw", specs=["seed=7", "seed=8&class=3"], kind="png"))
    by_index = {head["index"]: pixels(body) for head, body in found}
    for index, expected in ((0, sampler.draw([7])[0]), (1, sampler.draw([8], ["3"])[0])):
        # The batch is another, and so is the order of a few sums: a grey level at most
        assert np.abs(by_index[index].astype(int) - expected[..., 0]).max() <= 1
    assert [head["last"] for head, _ in found] == [False, True]
    (exact,) = loop(pictures(child, do="exact", specs=["seed=7"]))
    assert np.array_equal(pixels(exact[1]), sampler.draw([7])[0, ..., 0])
    assert exact[0]["images"] == sampler.images


def test_what_can_be_asked_for(child, loop):
    facts, _ = loop(child.answer({"do": "facts"}))
    assert facts["classes"] == [str(digit) for digit in range(10)]
    assert facts["resolution"] == 8 or facts["resolution"] == 16
    assert facts["truncates"] is True
    assert len(facts["directions"]) == 8
    assert len(facts["layers"]) == 1


def test_a_walk_and_raw_pixels(child, loop):
    stops = ["seed=1", "seed=2"]
    found = loop(pictures(child, do="walk", stops=stops, shares=[0.0, 0.5, 1.0], kind="raw"))
    assert sorted(head["index"] for head, _ in found) == [0, 1, 2]
    assert all(len(body) == np.prod(head["shape"]) for head, body in found)


def test_bad_specs_are_told_and_the_rest_is_drawn(child, loop):
    specs = ["seed=1", "seed=x", "place=nothing"]
    found = loop(pictures(child, do="draw", specs=specs))
    errors = {head["index"]: head.get("error") for head, _ in found}
    assert errors[0] is None
    assert "number is from 0" in errors[1]
    assert "keeps no place 'nothing'" in errors[2]
    with pytest.raises(AnswerError, match="two pictures or more"):
        loop(child.answer({"do": "walk", "stops": ["seed=1"], "shares": [0]}))


def test_the_latest_of_an_asker_wins(child, loop):
    async def both():
        sheet = asyncio.create_task(pictures(child, do="draw", specs=["seed=1"] * 256, asker="tab"))
        first = asyncio.create_task(pictures(child, do="draw", specs=["seed=2"], asker="other"))
        await first
        second = await pictures(child, do="draw", specs=["seed=3"], asker="tab")
        with pytest.raises(DroppedError):
            await sheet
        return second

    assert len(loop(both())) == 1


def test_who_goes_away_is_dropped(child, loop):
    async def gone():
        async for _ in (asking := child.ask({"do": "draw", "specs": ["seed=1"] * 256,
                                             "asker": "gone"})):  # fmt: skip
            break
        await asking.aclose()
        # Were the sheet still waiting, this would come after half of it
        return await pictures(child, do="draw", specs=["seed=2"], asker="next")

    assert len(loop(gone())) == 1
    assert not child.busy


def test_many_at_once_are_drawn_together(child, loop):
    async def many():
        return await asyncio.gather(*(
            pictures(child, do="draw", specs=[f"seed={k}"], asker=f"client {k}") for k in range(50)
        ))  # fmt: skip

    found = loop(many())
    assert len(found) == 50
    assert all(len(each) == 1 and "error" not in each[0][0] for each in found)


def test_it_is_started_again_when_it_was_killed(child, loop):
    async def killed():
        await child.start()
        os.kill(child.pid, signal.SIGKILL)
        return await pictures(child, do="draw", specs=["seed=1"])

    assert len(loop(killed())) == 1


def test_a_newer_checkpoint_is_taken(child, loop, run):
    before = Run.open(run).load()
    weights = Run.open(run).load_weights().weights
    Run.open(run).save(before.images + 16, weights, {}, dict(before.meta))

    async def until_new():
        for _ in range(100):
            head, _ = await child.answer({"do": "draw", "specs": ["seed=1"]})
            if head["images"] != before.images:
                return head["images"]
            await asyncio.sleep(0.1)
        return None

    assert loop(until_new()) == before.images + 16


def test_no_run_is_a_sentence(loop, tmp_path):
    async def ask():
        child = Child(NAME, (str(tmp_path / "none"), "latest"))
        try:
            await child.answer({"do": "draw", "specs": ["seed=1"]})
        finally:
            await child.close()

    with pytest.raises(AnswerError, match="none") as caught:
        loop(ask())
    assert caught.value.hint


def test_what_ends_at_once_is_a_sentence(loop):
    with pytest.raises(MachineError, match="has ended in the middle"):
        loop(Child("ganwerk.web.nothing").answer({"do": "draw"}))


def test_children_are_bounded_and_give_way(loop):
    async def three():
        children = Children(NAME, 2)
        first, _ = await children.of("a"), await children.of("b")
        assert await children.of("a") is first
        await children.of("c")
        assert len(children) == 2
        assert await children.of("a") is first  # b was unused for longest
        children.idle_seconds = -1.0
        await children.tidy()
        return len(children)

    assert loop(three()) == 0


def test_a_batch_takes_no_longer_than_an_urgent_one_may_wait():
    pace = Pace()
    assert pace.most() == 1
    pace.saw(1, 1.0)
    assert pace.most() == 2  # nothing is known: half as much again is tried
    pace.saw(2, 1.1)
    assert pace.most() == 4  # a tenth of a second for each
    pace.saw(4, 1.2)
    assert pace.most() == 8
    pace.saw(8, 1.6)
    assert pace.most() == 4
    pace.saw(3, 99.0)
    assert pace.most() == 4
    assert pace.most(6.0) == 32
