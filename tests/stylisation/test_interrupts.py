"""Only whole states are saved, wherever the interrupt comes."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from ganwerk.style.optimisers import Adam
from ganwerk.stylisation import verb
from ganwerk.stylisation.events import Stopped
from ganwerk.stylisation.job import Options
from ganwerk.stylisation.saved import folder_of
from ganwerk.stylisation.transfer import Transfer
from ganwerk.stylisation.verb import stylise_file

PLAIN = Options(precision="float32", tile_px=0)
ALL, AT = 15, 7
"""Closures of the small transfer (9 at 32 px, 6 at 64 px), and the one that is interrupted."""


def on_call(number, what):
    """A patch for a method: does `what` in that call, after the half of it that is real."""
    calls = []

    def patched(real):
        def method(self, *args):
            calls.append(1)
            found = real(self, *args)
            if len(calls) == number:
                what()
            return found

        return method

    return patched


def interrupt():
    raise KeyboardInterrupt


@pytest.fixture
def whole(request_of):
    return stylise_file(request_of(), None, PLAIN)


def resumed(request_of, out):
    return stylise_file(request_of(), out, Options(resume=True))


def test_ctrl_c_lets_the_step_end_and_saves(request_of, files, whole, monkeypatch):
    out, events = files / "out.png", []
    strike = on_call(AT, lambda: signal.raise_signal(signal.SIGINT))
    with monkeypatch.context() as patches:
        patches.setattr(Adam, "move", strike(Adam.move))
        with pytest.raises(KeyboardInterrupt):
            stylise_file(request_of(), out, PLAIN, events.append)
    assert events[-1] == Stopped(AT, ALL, out)
    done = resumed(request_of, out)
    assert np.array_equal(done.picture, whole.picture)
    assert len(done.trace) == ALL


@pytest.mark.parametrize(("owner", "name", "number"), [(Adam, "move", AT), (Transfer, "_begin", 2)])
def test_in_the_midst_of_a_step_the_state_before_stays(
    request_of, files, whole, monkeypatch, owner, name, number
):
    monkeypatch.setattr(verb, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(verb, "COST_SHARE", 1e9)
    out, events = files / "out.png", []
    with monkeypatch.context() as patches:
        patches.setattr(owner, name, on_call(number, interrupt)(getattr(owner, name)))
        with pytest.raises(KeyboardInterrupt):
            stylise_file(request_of(), out, PLAIN, events.append)
    assert not any(isinstance(event, Stopped) for event in events)
    done = resumed(request_of, out)
    assert np.array_equal(done.picture, whole.picture)


def test_without_a_whole_state_nothing_is_saved(request_of, files, monkeypatch):
    out = files / "out.png"
    monkeypatch.setattr(Adam, "move", on_call(1, interrupt)(Adam.move))
    with pytest.raises(KeyboardInterrupt):
        stylise_file(request_of(), out, PLAIN)
    assert not folder_of(out).exists()
