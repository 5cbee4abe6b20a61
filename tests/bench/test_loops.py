"""Each loop of the throughput table takes steps, and they train the networks."""

from __future__ import annotations

import itertools

import pytest

from bench import fast, plain, task, throughput

SMALL = (
    "network.generator_width=8",
    "network.discriminator_width=8",
    "network.max_width=16",
    "budget.batch=4",
    "run.precision=float32",
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "NOISE_PICTURES", 40)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("row", ["auto-32", "dcgan-32"])
def test_loops_take_steps(row: str) -> None:
    made = task.prepare(row, row.split("-")[0], task.noise(32), "cpu", SMALL)
    for loop in (throughput.PLAIN[row], fast.ganwerk, fast.by_hand):
        assert list(itertools.islice(loop(made), 12)) == [4] * 12


@pytest.mark.usefixtures("small")
def test_loop_by_hand_moves_every_weight() -> None:
    made = task.prepare("auto-32", "auto", task.noise(32), "cpu", SMALL)
    player = fast.ByHand(made)
    before = [w.detach().clone() for w in (*player.g_weights, *player.d_weights)]
    batches = iter(fast.Batches(made))
    for _ in range(3):
        player.train(*next(batches))
        player.remember(4)
    after = [*player.g_weights, *player.d_weights]
    still = [a for a, b in zip(after, before, strict=True) if (a == b).all()]
    # A loss of differences of logits does not see what is added to all of them.
    assert made.settings.game.loss == "relativistic"
    unseen = player.d.get_parameter("verdict.psi.bias")
    assert [w for w in still if w is not unseen] == []


def test_plain_pictures_are_what_the_feeder_gives() -> None:
    made = task.prepare("dcgan-32", "dcgan", task.noise(32), "cpu", (*SMALL, "data.mirror=false"))
    picture, label = plain.PlainPictures(made)[3]
    expected = made.pictures.images[3] / 127.5 - 1
    assert picture.numpy() == pytest.approx(expected, abs=1e-6)
    assert label == 3
