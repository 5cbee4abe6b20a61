"""Who torchrun says this process is."""

from __future__ import annotations

import pytest

from ganwerk.errors import ConfigError, MachineError
from ganwerk.scale.launch import Launch, following, launch_name, launched, restarted
from ganwerk.scale.processes import joined
from ganwerk.scale.shared import check_shared

WHOLE = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29512"}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in (*WHOLE, "LOCAL_RANK", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT"):
        monkeypatch.delenv(name, raising=False)


def say(monkeypatch, **changed):
    for name, value in (WHOLE | changed).items():
        monkeypatch.setenv(name, value)


def test_alone_there_is_no_group():
    assert launched() is None
    assert not following() and not restarted() and launch_name() == ""
    with joined() as group:
        assert group is None


def test_one_process_of_torchrun_is_alone_as_well(monkeypatch):
    say(monkeypatch, WORLD_SIZE="1", RANK="0")
    assert launched() is None


def test_what_torchrun_says(monkeypatch):
    say(monkeypatch, LOCAL_RANK="0", TORCHELASTIC_RUN_ID="a", TORCHELASTIC_RESTART_COUNT="1")
    assert launched() == Launch(1, 2, 0, "127.0.0.1:29512")
    assert following() and restarted() and launch_name().startswith("a/")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"MASTER_PORT": ""}, "MASTER_PORT is not set"),
        ({"RANK": "two"}, "RANK is 'two', not a number"),
        ({"RANK": "2"}, "RANK is 2, but WORLD_SIZE is 2"),
        ({"WORLD_SIZE": "many"}, "WORLD_SIZE is 'many'"),
    ],
)
def test_an_environment_that_cannot_be_is_refused(monkeypatch, changed, message):
    say(monkeypatch, **changed)
    with pytest.raises(MachineError, match=message) as caught:
        launched()
    assert caught.value.hint


def test_a_meeting_that_nobody_comes_to_ends(monkeypatch):
    say(monkeypatch)
    with (
        pytest.raises(MachineError, match=r"2 processes did not meet at 127.0.0.1:29512") as caught,
        joined(seconds=1),
    ):
        pass
    assert "process 1 on" in caught.value.message


def test_processes_that_do_not_divide_the_parts_are_told_which_do():
    check_shared(6, 3)
    with pytest.raises(ConfigError, match="4 processes cannot share the 6 parts") as caught:
        check_shared(6, 4)
    assert "1, 2, 3, 6" in caught.value.hint
