"""Where the pictures of a run are: from any folder, after a move, and said anew."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from ganwerk.config.load import from_toml
from ganwerk.errors import DataError
from ganwerk.evaluation.judging import reals_of_run
from ganwerk.run import Run
from ganwerk.runtime.events import Warned
from ganwerk.runtime.pictures import absolute, relocate
from ganwerk.runtime.settings import settings_of
from ganwerk.training.prepare import free_name
from ganwerk.training.train import resume, train

ignore = lambda _: None  # noqa: E731


@pytest.fixture
def home(tmp_path, folder, monkeypatch, tiny):
    """A project: shapes/ and runs/r, trained from within it with paths as one types them."""
    monkeypatch.chdir(tmp_path)
    request = tiny("runs/r", where="shapes", images=32, data__resolution=16)
    train(type(request)("shapes", flags=request.flags, out=Path("runs/r")))
    return tmp_path


def written(run: Path, pattern: str, text: str) -> None:
    path = run / "run.toml"
    path.write_text(re.sub(pattern, text, path.read_text(), count=1))


def test_a_place_is_kept_absolute_and_a_named_set_by_name(home, monkeypatch):
    assert settings_of(Run.open("runs/r")).data.where == str(home / "shapes")
    assert Run.open("runs/r").learned.beside == "../../shapes"
    assert absolute("digits") == "digits"
    assert absolute("shapes/../shapes") == str((home / "shapes").resolve())
    (home / "link").symlink_to(home / "shapes")
    assert absolute("link") == str(home / "link")
    assert absolute("gone/../x") == "gone/../x"
    monkeypatch.setenv("HOME", str(home))
    assert absolute("~/shapes") == str(home / "shapes")


@pytest.mark.parametrize("old", [False, True], ids=["absolute", "as typed"])
def test_another_current_folder_changes_nothing(home, monkeypatch, old):
    if old:
        written(home / "runs/r", r'where = ".*"', 'where = "shapes"')
    (home / "x").mkdir()
    monkeypatch.chdir(home / "x")
    run = Run.open("../runs/r")
    assert len(reals_of_run(run, settings_of(run), ignore).names) == 60
    resume(Path("../runs/r"), more=("images", 16))
    assert settings_of(run).data.where == str(home / "shapes")


def test_other_pictures_under_the_same_name_are_not_believed(home, monkeypatch):
    """A relative place of an old run, and a folder of that name in the current folder."""
    written(home / "runs/r", r'where = ".*"', 'where = "shapes"')
    shutil.copytree(home / "shapes", home / "x" / "shapes")
    next((home / "x" / "shapes" / "disk").iterdir()).unlink()
    monkeypatch.chdir(home / "x")
    run = Run.open("../runs/r")
    assert reals_of_run(run, settings_of(run), ignore).where == str(home / "shapes")


def test_run_and_pictures_may_move_together(home, monkeypatch):
    (home / "new").mkdir()
    for name in ("shapes", "runs"):
        shutil.move(home / name, home / "new" / name)
    monkeypatch.chdir("/")
    seen = []
    resume(home / "new/runs/r", more=("images", 16), watch=seen.append)
    assert any("found in" in e.message for e in seen if isinstance(e, Warned))
    assert settings_of(Run.open(home / "new/runs/r")).data.where == str(home / "new" / "shapes")


def test_pictures_beside_the_current_folder_are_found_if_they_are_the_same(home, monkeypatch):
    (home / "disk").mkdir()
    shutil.move(home / "shapes", home / "disk" / "shapes")
    monkeypatch.chdir(home / "disk")
    run = Run.open(home / "runs/r")
    assert "found in" in reals_of_run(run, settings_of(run), ignore).warnings[0]
    next((home / "disk" / "shapes" / "disk").iterdir()).unlink()
    with pytest.raises(DataError, match="does not exist"):
        reals_of_run(run, settings_of(run), ignore)


def test_gone_pictures_name_the_way_and_a_new_place_is_noted(home):
    shutil.move(home / "shapes", home / "my shapes")
    run = Run.open("runs/r")
    with pytest.raises(DataError) as caught:
        reals_of_run(run, settings_of(run), ignore)
    assert "ganwerk evaluate runs/r --data PLACE" in caught.value.hint
    with pytest.raises(DataError) as caught:
        resume(Path("runs/r"), more=("images", 16))
    assert "ganwerk resume runs/r --data PLACE" in caught.value.hint
    assert reals_of_run(run, settings_of(run), ignore, "my shapes").warnings == ()
    assert settings_of(run).data.where == str(home / "my shapes")
    assert run.origins["data.where"] == "said with --data"
    assert reals_of_run(run, settings_of(run), ignore).where == str(home / "my shapes")


def test_a_place_is_noted_only_for_the_same_pictures(home):
    shutil.copytree(home / "shapes", home / "other")
    next((home / "other" / "disk").iterdir()).unlink()
    before = (home / "runs/r/run.toml").read_text()
    with pytest.raises(DataError, match="not those that the run runs/r learned from"):
        relocate(Run.open("runs/r"), "other")
    assert (home / "runs/r/run.toml").read_text() == before
    shutil.copytree(home / "shapes", home / "copy")
    with Run.open("runs/r").lock():  # in training at the moment
        [warning] = relocate(Run.open("runs/r"), "copy")
    assert "could not be noted" in warning
    assert relocate(Run.open("runs/r"), "copy") == ()
    assert settings_of(Run.open("runs/r")).data.where == str(home / "copy")


def test_accepted_changes_are_accepted_for_good(home):
    next((home / "shapes" / "disk").iterdir()).unlink()
    with pytest.raises(DataError, match="1 removed"):
        resume(Path("runs/r"), more=("images", 16))
    resume(Path("runs/r"), more=("images", 16), accept_changed_data=True)
    resume(Path("runs/r"), more=("images", 16))
    run = Run.open("runs/r")
    assert len(run.files) == 59
    assert run.about["data"]["pictures"] == 59
    assert sum(run.learned.class_counts) == 59
    assert json.loads((run.path / "data.json").read_text())["health"]["readable"] == 59
    assert reals_of_run(run, settings_of(run), ignore).warnings == ()


def test_changes_are_not_noted_before_a_step_was_taken(home, monkeypatch):
    next((home / "shapes" / "disk").iterdir()).unlink()

    def broken(*_):
        raise RuntimeError("no such instruction")

    files = {name: (home / "runs/r" / name).read_bytes() for name in
             ("run.toml", "about.json", "data.json", "origins.json")}  # fmt: skip
    monkeypatch.setattr("ganwerk.training.play.train_step", broken)
    with pytest.raises(RuntimeError, match="no such instruction"):
        resume(Path("runs/r"), more=("images", 16), accept_changed_data=True)
    assert files == {name: (home / "runs/r" / name).read_bytes() for name in files}


@pytest.mark.skipif(os.name == "nt", reason="names of bytes")
def test_a_path_that_is_no_text_is_refused(home):
    os.rename(b"shapes", b"caf\xe9")
    with pytest.raises(DataError, match="is no text") as caught:
        absolute(os.fsdecode(b"caf\xe9"))
    assert r"caf\351' pictures" in caught.value.hint


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("cats", "cats"), ("../cats", "cats"), ("a.b/cats.v2.zip", "cats"), ("digits", "digits"),
        (".", "here"), ("./", "here"), ("..", "around"), ("../..", None), ("/", "pictures"),
        ("", "here"), (".hidden", "hidden"), ("2024.05.01", "2024.05.01"), ("-x", "x"), ("~x", "x"),
        ("a\x1b[31m\nb", "a_[31m_b"), ("x" * 255, "x" * 60), ("train", "here-train"),
        ("...", "pictures"),
    ],
)  # fmt: skip
def test_the_name_of_a_run(tmp_path, monkeypatch, where, name):
    here = tmp_path / "around" / "here"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    for made in ("2024.05.01", ".hidden", "train", "..."):
        (here / made).mkdir()
    found = free_name(where)
    assert found.parent == Path("runs")
    assert found.name == (tmp_path.name.lstrip("-~") if name is None else name)[:60]
    found.mkdir(parents=True)
    assert free_name(where).name == f"{found.name}-2"


def test_settings_that_cannot_be_used_are_told(home):
    written(home / "runs/r", r"resolution = 16", 'resolution = "wide"')
    with pytest.raises(Exception, match=r"run\.toml cannot be used: data\.resolution"):
        from_toml((home / "runs/r/run.toml").read_text(), "runs/r/run.toml")


@pytest.mark.parametrize(
    "command",
    [
        ("report", "runs/r"),
        ("project", "runs/r", "photo.png", "--steps", "1", "--tries", "2"),
        ("neighbours", "runs/r", "--count", "20", "--pairs", "2"),
        ("resume", "runs/r", "--images", "16"),
    ],
    ids=lambda command: command[0],
)
def test_each_command_that_knows_pictures_takes_a_new_place(home, command):
    from click.testing import CliRunner

    from ganwerk.cli import entry

    shutil.copy(next((home / "shapes" / "disk").iterdir()), home / "photo.png")
    shutil.move(home / "shapes", home / "my shapes")
    result = CliRunner().invoke(entry, [*command, "--data", "my shapes"])
    assert result.exit_code == 0, result.output
    assert settings_of(Run.open("runs/r")).data.where == str(home / "my shapes")
