"""A new run: what the page asks, and the command that it becomes."""

from __future__ import annotations

import io
import shlex
import zipfile

import pytest
from PIL import Image

from ganwerk.web.commands import command_line
from ganwerk.web.queries import Query
from tests.web.test_uploads import bomb, picture


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


@pytest.fixture
def looked_at(client, site, tmp_path):
    """`looked_at(place)`: what the page is shown of a look at these pictures, once there is one."""

    def make(place, **lists):
        query = Query(["data", "check", str(place), "--json"])
        query.answer = {"ok": True, "health": {"where": str(place), **lists}}
        site.queries._kept["known"] = query
        return lambda kind, group, at: client.get(
            f"/api/queries/known/pictures/{kind}/{group}/{at}"
        )

    return make


def test_small_pictures_of_a_zip_and_of_a_folder(looked_at, tmp_path):
    folder = tmp_path / "p"
    (folder / "a").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "p.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(3):
            (folder / "a" / f"{number}.png").write_bytes(picture(number))
            packed.writestr(f"a/{number}.png", picture(number))
        packed.writestr("a/bomb.png", bomb())
        packed.writestr("__MACOSX/a/._0.png", b"")
    for place, most in ((folder, 3), (tmp_path / "p.zip", 4)):
        shown = looked_at(place, duplicates=[["a/1.png", "a/2.png"]], constant=["../x.png"])
        found = [shown("sample", 0, at) for at in range(most)]
        assert [one.status_code for one in found] == [200] * 3 + [400] * (most - 3)
        with Image.open(io.BytesIO(found[0].content)) as small:
            assert small.size == (96, 96)
        assert shown("duplicates", 0, 1).status_code == 200
        for kind, group, at in (("sample", 0, 9), ("constant", 0, 0), ("sizes", 0, 0)):
            answer = shown(kind, group, at)
            assert answer.status_code == 400
            assert answer.json()["error"]


def test_a_shell_reads_what_was_meant():
    words = ["train", "my pictures", "--rename-class=a b=~$c", "--minutes", "1", "--no-mirror"]
    assert shlex.split(command_line(words)) == ["ganwerk", *words]
