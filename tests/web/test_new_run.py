"""A new run: what the page asks, and the command that it becomes."""

from __future__ import annotations

import shlex

import pytest

from ganwerk.web.commands import command_line


def told(client, **values):
    answer = client.post("/api/begin/command", json={"source": "digits", **values})
    return answer.status_code, answer.json()


def test_the_command_is_what_begins(client, site):
    (site.runs.home / "mine").mkdir()
    status, answer = told(
        client, name="mine", minutes=2.5, preset="r3", mirror=False, conditional=True,
        resolution=32, rename={"3": "three it's", "8": "-x;$(y)", "1": "1"},
    )  # fmt: skip
    assert status == 200
    words = shlex.split(answer["command"])
    assert words[:3] == ["ganwerk", "train", "digits"]
    assert words[3:5] == ["--rename-class=3=three it's", "--rename-class=8=-x;$(y)"]
    assert words[5:] == ["--preset", "r3", "--minutes", "2.5", "--conditional", "--no-mirror",
                         "--resolution", "32", "--out", str(site.runs.home / "mine-2")]  # fmt: skip
    assert not (site.runs.home / "mine-2").exists()


@pytest.mark.parametrize(
    ("rename", "why"),
    [(["a"], "rename cannot be"), ({"3": 7}, "3 cannot be 7"), ({"3": "x" * 201}, "cannot be")],
)
def test_names_that_cannot_be(client, rename, why):
    status, answer = told(client, rename=rename)
    assert status == 400
    assert why in answer["error"]
    assert answer["hint"]


def test_a_shell_reads_what_was_meant():
    words = ["train", "my pictures", "--rename-class=a b=~$c", "--minutes", "1", "--no-mirror"]
    assert shlex.split(command_line(words)) == ["ganwerk", *words]
