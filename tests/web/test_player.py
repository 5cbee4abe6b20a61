"""The process that plays the laboratory's games."""

from __future__ import annotations

from contextlib import aclosing

import numpy as np
import pytest

from ganwerk.errors import MachineError
from ganwerk.web.child import AnswerError, Child
from ganwerk.web.laboratory import MOST_GAMES, Games


@pytest.fixture(scope="module")
def player(loop):
    child = Child("ganwerk.web.player", backlog=4)
    yield child
    loop(child.close())


async def frames(player, **head):
    asked = {"do": "play", "asker": "game", "seed": 0, **head}
    async with aclosing(player.answers(asked)) as found:
        return [message async for message in found]


def array(message, lane, name):
    head, body = message
    offset, kind, shape = head["lanes"][lane]["arrays"][name]
    count = int(np.prod(shape))
    return np.frombuffer(body, kind, count, offset).reshape(shape)


def test_a_game_from_the_first_frame_to_the_result(player, loop):
    found = loop(
        frames(player, experiment="ring", preset="best", methods=["plain", "replay"], steps=6)
    )
    stage, *shown, result = found
    assert stage[0]["stage"]["steps"] == 6
    assert [lane["title"] for lane in stage[0]["stage"]["lanes"]] == ["plain", "replay"]
    assert [message[0]["lanes"][0]["step"] for message in (shown[0], shown[-1])] == [0, 6]
    for message in shown:
        assert array(message, 1, "points").shape == (600, 2)
        assert array(message, 0, "field").shape == (48, 48)
        assert len({lane["step"] for lane in message[0]["lanes"]}) == 1
    assert result[0]["last"]
    assert {"modes", "high_quality", "w2"} <= result[0]["result"][0].keys()


def test_curves_and_players(player, loop):
    found = loop(frames(player, experiment="line", steps=3))
    assert array(found[1], 0, "p_data").sum() > 0
    assert len(array(found[1], 0, "d")) == len(array(found[1], 0, "p_g"))
    found = loop(frames(player, experiment="dirac", steps=3))
    assert array(found[1], 0, "place").tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"experiment": "rings"}, "no game"),
        ({"experiment": "ring", "methods": ["nothing"]}, "nothing"),
    ],
)
def test_what_cannot_be_is_told_and_the_player_lives_on(player, loop, options, why):
    with pytest.raises(AnswerError, match=why):
        loop(player.answer({"do": "play", "asker": "game", **options}))
    assert len(loop(frames(player, experiment="dirac", steps=2))) >= 4


def test_who_goes_away_ends_the_game_and_a_slow_one_holds_it_up(player, loop):
    async def some():
        asked = {"do": "play", "asker": "game", "experiment": "ring", "methods": ["plain"]}
        async with aclosing(player.ask(asked)) as found:
            async for head, _ in found:
                if head.get("lanes") and head["lanes"][0]["step"] > 3:
                    break
        return await frames(player, experiment="dirac", steps=2)

    assert loop(some())[-1][0]["last"]


def test_paused_it_waits_and_goes_on(player, loop):
    async def paused():
        asked = {"do": "play", "asker": "game", "experiment": "dirac", "paused": True, "steps": 4}
        steps = []
        async with aclosing(player.answers(asked)) as found:
            async for head, _ in found:
                if head.get("lanes"):
                    steps.append(head["lanes"][0]["step"])
                    if len(steps) == 1:
                        await player.tell({"do": "pace", "paused": False, "most_per_second": 50})
        return steps

    steps = loop(paused())
    assert steps[0] == 0
    assert steps[-1] == 4


def test_only_so_many_games_at_once(loop):
    async def many():
        games = Games()
        begun = [games.play({"experiment": "dirac"}) for _ in range(MOST_GAMES + 1)]
        for game in begun[:-1]:
            assert "game" in (await anext(game))[0]
        with pytest.raises(MachineError, match="already"):
            await anext(begun[-1])
        for game in begun:
            async with aclosing(game):
                pass
        assert games.playing == {}

    loop(many())
