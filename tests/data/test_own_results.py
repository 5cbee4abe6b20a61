"""What ganwerk wrote is no data, wherever it lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from picture_files import Painter, zipped
from PIL import Image

from ganwerk.data import load_pictures
from ganwerk.data.own import is_inside, own_folders
from ganwerk.errors import DataError
from ganwerk.run import Run
from ganwerk.stylisation.pictures import write

BUDGET = 1 << 26


@pytest.fixture
def photos(tmp_path: Path, paint: Painter) -> Path:
    paint(tmp_path / "photos" / "cat", 10)
    paint(tmp_path / "photos" / "dog", 10, first=10)
    return tmp_path / "photos"


def a_run(path: Path, paint: Painter) -> Path:
    Run.create(path, settings_toml="", origins={}, about={}, data={})
    for part in ("pictures", "samples", "evaluations", "project"):
        paint(path / part, 3, first=50)
    paint(path, 1, first=90)
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("place", ["runs/photos", "cat/runs/a", "r"])
def test_a_run_inside_changes_nothing(
    photos: Path, paint: Painter, tmp_path: Path, place: str, packed: bool
) -> None:
    before = load_pictures(photos, memory_budget_bytes=BUDGET)
    a_run(photos / place, paint)
    where = zipped(tmp_path / "photos.zip", photos) if packed else photos
    after = load_pictures(where, memory_budget_bytes=BUDGET)
    assert after.names == before.names
    assert after.class_names == ("cat", "dog")
    assert packed or after.fingerprint == before.fingerprint
    assert f"Passed over, because ganwerk itself wrote it: {place}." in [
        line.text for line in after.health.remarks
    ]
    # Neither is it told of as a folder without pictures.
    assert not any("without a picture" in line.text for line in after.health.remarks)


@pytest.mark.parametrize("lost", ["run.toml", "about.json", "journal.jsonl"])
def test_a_run_of_which_a_record_was_lost_is_still_one(
    photos: Path, paint: Painter, lost: str
) -> None:
    (a_run(photos / "runs" / "x", paint) / lost).unlink()
    assert len(load_pictures(photos, memory_budget_bytes=BUDGET)) == 20


def test_a_run_is_no_place_of_pictures_but_its_samples_are(tmp_path: Path, paint: Painter) -> None:
    run = a_run(tmp_path / "my runs" / "x", paint)
    paint(run / "samples", 20, first=200)
    with pytest.raises(DataError, match="is a run of ganwerk") as caught:
        load_pictures(run, memory_budget_bytes=BUDGET)
    assert caught.value.hint == f"To go on with it: ganwerk resume '{run}'"
    assert len(load_pictures(run / "samples", memory_budget_bytes=BUDGET)) == 23


@pytest.mark.parametrize(
    "marks",
    [
        ("experiment.json", "result.json"),
        ("compare.png", "result.json"),
        ("project.json", "place.safetensors"),
        ("directions.json", "directions.safetensors"),
    ],
)
def test_other_results(photos: Path, paint: Painter, marks: tuple[str, str]) -> None:
    paint(photos / "out", 2, first=70)
    for name in marks:
        (photos / "out" / name).write_bytes(b"{}")
    assert len(load_pictures(photos, memory_budget_bytes=BUDGET)) == 20
    # One of the names alone is anybody's.
    (photos / "out" / marks[1]).unlink()
    (photos / "out" / "compare.png").unlink(missing_ok=True)
    assert len(load_pictures(photos, memory_budget_bytes=BUDGET)) == 22


def test_figures_of_an_evaluation(photos: Path, paint: Painter) -> None:
    before = load_pictures(photos, memory_budget_bytes=BUDGET)
    figure = paint(photos / "judged", 1, first=80)[0]
    for name in ("000000064-0123abcd", "course-0123abcd"):
        (photos / "judged" / f"{name}.png").write_bytes(figure.read_bytes())
        (photos / "judged" / f"{name}.json").write_text("{}")
    figure.unlink()
    after = load_pictures(photos, memory_budget_bytes=BUDGET)
    assert after.fingerprint == before.fingerprint
    assert [line.text for line in after.health.remarks] == [
        "Passed over, because ganwerk itself wrote it: judged/000000064-0123abcd.png, "
        "judged/course-0123abcd.png."
    ]
    (photos / "judged" / "course-0123abcd.json").unlink()  # without its numbers it is a picture
    assert len(load_pictures(photos, memory_budget_bytes=BUDGET)) == 21


def test_paths() -> None:
    files = [
        "about.json",
        "run.toml",
        "a/about.json",
        "b/run.toml",
        "b/journal.jsonl",
        "c/data.json",
    ]
    assert own_folders(files) == {"": True, "b": True}
    assert is_inside("b/x/1.png", ["b"])
    assert not is_inside("bb/1.png", ["b"])


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_pictures_that_a_transfer_made_are_told_of(photos: Path, suffix: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    write(photos / "cat" / f"styled{suffix}", pixels, {"content": "a", "closures": 3})
    found = load_pictures(photos, memory_budget_bytes=BUDGET)
    assert len(found) == 21
    assert found.health.made_here == 1
    line = next(line for line in found.health.lines() if "made by ganwerk" in line.text)
    assert line.severity == "warning"
    assert f"cat/styled{suffix}" in line.text


def test_transfers_of_older_versions_are_told_of(photos: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = '{"content":"photo","styles":[]}'
    Image.new("RGB", (40, 40), "red").save(photos / "cat" / "old.png", exif=exif)
    assert (
        load_pictures(photos, memory_budget_bytes=BUDGET).health.made_here_example == "cat/old.png"
    )
