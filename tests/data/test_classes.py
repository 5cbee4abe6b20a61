"""Which folders are classes, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_files import Painter, zipped

from ganwerk.data import load_pictures
from ganwerk.data.classes import labels_of
from ganwerk.data.labelled import NoLabelFileError, labels_from_file

BUDGET = 1 << 26


def many(*folders: str, count: int = 2) -> list[str]:
    return [f"{folder}/{number}.png" for folder in folders for number in range(count)]


def classes(names: list[str]) -> list[str] | None:
    labels, _ = labels_of(names, "d")
    return None if labels is None else [labels.names[value] for value in labels.values]


def told(names: list[str], where: str = "d") -> str:
    return " ".join(f"{line.severity}: {line.text}" for line in labels_of(names, where)[1])


def test_ordinary_classes_need_no_word() -> None:
    names = many("cat", "dog")
    assert classes(names) == ["cat", "cat", "dog", "dog"]
    assert told(names) == ""
    assert told(["1.png", "2.png"]) == ""
    assert told(many("only")) == ""


@pytest.mark.parametrize("outer", ["fruits/", "data/fruits/", "a/b/c/d/"])
def test_outer_folders_are_looked_into(outer: str) -> None:
    names = many(f"{outer}apple", f"{outer}lemon")
    assert classes(names) == ["apple", "apple", "lemon", "lemon"]
    assert "the classes are inside it" in told(names)


@pytest.mark.parametrize("outer", ["", "set/"])
@pytest.mark.parametrize("stray", ["preview.png", "cover.jpg"])
def test_a_stray_picture_ends_the_classes_and_is_named(outer: str, stray: str) -> None:
    names = [*many(f"{outer}cat", f"{outer}dog"), f"{outer}{stray}"]
    assert classes(names) is None
    assert f"warning: There are no classes: {outer}{stray} beside the folders cat, dog" in told(
        names
    )


def test_a_stray_picture_beside_the_outer_folder_is_named_too() -> None:
    assert "cover.png beside the folders cat, dog" in told(
        [*many("set/cat", "set/dog"), "cover.png"]
    )
    # A single folder of more pictures is no class that could be lost.
    assert told([*many("more"), "1.png"]) == ""


@pytest.mark.parametrize(
    "parts",
    [
        ("train", "test"), ("Training", "Testing"), ("train", "valid", "test"), ("TRAIN", "VAL"),
        ("seg_train", "seg_test"), ("train2017", "val2017"), ("images-train", "images-validation"),
        ("train", "test1"), ("training_set", "test_set"),
        ("seg_train/seg_train", "seg_test/seg_test"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("outer", ["", "archive/"])
def test_parts_of_a_set_are_no_classes(parts: tuple[str, ...], outer: str) -> None:
    names = many(*(f"{outer}{part}/{kind}" for part in parts for kind in ("cat", "dog")))
    found = classes(names)
    assert found is not None
    assert set(found) == {"cat", "dog"}
    assert all(f"/{kind}/" in name for name, kind in zip(names, found, strict=True))
    assert "are parts of a set, not classes; all of them are used" in told(names)
    first = parts[0].split("/")[0]
    assert f"ganwerk train d/{outer}{first}" in told(names)
    assert f"unpack the file and name the folder of one alone, {first}." in told(names, "")
    flat = many(*(f"{outer}{part}" for part in parts))
    assert classes(flat) is None
    assert "parts of a set" in told(flat)


def test_parts_in_the_names_of_classes() -> None:
    names = many("cats_train", "dogs_train", "cats_test", "dogs_test")
    assert classes(names) == ["cats", "cats", "dogs", "dogs"] * 2
    assert classes(many("trainA", "trainB", "testA", "testB", count=1)) == ["A", "B", "A", "B"]
    # What is in one part only is no class of its own.
    assert classes(many("train_images", "test_images", "test_masks")) is None


def test_unlabelled_pictures_in_one_part_are_named() -> None:
    names = [*many("train/cat", "train/dog"), *many("test")]
    assert classes(names) is None
    assert "test/0.png and 1 more beside the folders cat, dog" in told(names)


def test_a_class_may_be_called_train() -> None:
    assert set(classes(many("car", "train", "bus")) or ()) == {"car", "train", "bus"}
    assert told(many("car", "train", "bus")) == ""
    names = many("cat", "train", "test")
    assert set(classes(names) or ()) == {"cat", "train", "test"}
    assert "warning: test, train are taken for classes, because cat stands" in told(names)
    assert classes(many("station_train", "station_trainee")) is not None


def test_running_numbers_are_no_classes() -> None:
    style = [f"{n // 1000:05d}/img{n:08d}.png" for n in range(0, 4000, 500)]
    ffhq = [f"{n // 1000 * 1000:05d}/{n:05d}.png" for n in range(0, 4000, 500)]
    for names in (style, ffhq, [f"images/{name}" for name in style]):
        assert classes(names) is None
        assert "running numbers, not classes" in told(names)
    signs = [
        f"{sign:05d}/{track:05d}_{n:05d}.ppm" for sign in (0, 1) for track in (0, 1) for n in (0, 1)
    ]
    assert set(classes(signs) or ()) == {"00000", "00001"}


@given(st.lists(st.text("abtrainest/_", min_size=1, max_size=14), min_size=1, max_size=12))
def test_every_picture_has_one_class_or_none_has(folders: list[str]) -> None:
    names = [
        f"{'/'.join(filter(None, f.split('/')))}/{i}.png".lstrip("/") for i, f in enumerate(folders)
    ]
    labels, lines = labels_of(names, "d")
    if labels is not None:
        assert labels.values.shape == (len(names),)
        assert set(labels.values.tolist()) == set(range(len(labels.names)))
        assert len(set(labels.names)) == len(labels.names) > 1
        assert "" not in labels.names
    assert all(line.text for line in lines)


# Labels in a file ------------------------------------------------------------------------------


def write_labels(folder: Path, labels: object) -> None:
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("outer", ["", "outer"])
def test_labels_of_a_file_are_read(
    tmp_path: Path, paint: Painter, packed: bool, outer: str
) -> None:
    place = tmp_path / "d" / outer
    paths = [*paint(place / "00000", 10), *paint(place / "00001", 10, first=10)]
    pairs = [[path.relative_to(place).as_posix(), 7 * (i % 2)] for i, path in enumerate(paths)]
    write_labels(place, pairs)
    where = zipped(tmp_path / "d.zip", tmp_path / "d") if packed else tmp_path / "d"
    found = load_pictures(where, memory_budget_bytes=BUDGET)
    assert found.class_names == ("0", "7")
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1] * 10
    assert any("classes are the labels in dataset.json" in r.text for r in found.health.remarks)
    assert ".json" not in found.health.ignored
    if not packed:
        # Other labels are other data, though no picture changed.
        write_labels(
            place, [[name, label // 7] for name, label in pairs[:-1]] + [[pairs[-1][0], 5]]
        )
        again = load_pictures(where, memory_budget_bytes=BUDGET)
        assert again.fingerprint != found.fingerprint
        assert again.class_names == ("0", "1", "5")


def test_a_file_without_labels_says_that_folders_are_no_classes(
    tmp_path: Path, paint: Painter
) -> None:
    paint(tmp_path / "d" / "00000", 10)
    paint(tmp_path / "d" / "00001", 10, first=10)
    write_labels(tmp_path / "d", None)
    found = load_pictures(tmp_path / "d", memory_budget_bytes=BUDGET)
    assert found.labels is None
    assert "dataset.json gives no labels, so there are no classes." in [
        line.text for line in found.health.lines()
    ]


def test_labels_of_any_shape() -> None:
    names = ["x/a.png", "x/b.png"]

    def read(value: object, folder: str = "") -> tuple[list[int] | None, str]:
        labels, lines = labels_from_file(json.dumps(value).encode(), names, folder)
        return labels and labels.values.tolist(), " ".join(line.text for line in lines)

    table = {"labels": {"x/a.png": 3, "x\\b.png": 1}}
    assert read(table) == ([1, 0], "The classes are the labels in dataset.json.")
    assert read({"labels": [["a.png", 0], ["b.png", 1]]}, "x/")[0] == [0, 1]
    assert (
        "no label for 1 of 2 pictures, for example x/b.png" in read({"labels": [["x/a.png", 0]]})[1]
    )
    vectors = read({"labels": [["x/a.png", [0.5, 1]], ["x/b.png", [1, 0]]]})
    assert vectors[0] is None
    assert "no whole numbers" in vectors[1]
    assert "no whole numbers" in read({"labels": [["x/a.png", True], ["x/b.png", 0]]})[1]
    assert "All labels in dataset.json are 4" in read({"labels": {"x/a.png": 4, "x/b.png": 4}})[1]
    more = {"labels": {"x/a.png": 0, "x/b.png": 1, "gone.png": 1}}
    assert "names 1 pictures that are not there" in read(more)[1]
    for odd in ({"labels": 5}, {"labels": [1, 2]}, {"labels": [["a"]]}, {"labels": "abc"}):
        with pytest.raises(NoLabelFileError, match="no pairs"):
            read(odd)
    for other in ([], {"info": 1}, 7):
        with pytest.raises(NoLabelFileError, match=r"^$"):
            read(other)
    for damaged in (b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(NoLabelFileError, match="damaged"):
            labels_from_file(damaged, names, "")


def test_a_damaged_label_file_is_a_warning(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "d" / "cat", 10)
    paint(tmp_path / "d" / "dog", 10, first=10)
    (tmp_path / "d" / "dataset.json").write_text("{")
    found = load_pictures(tmp_path / "d", memory_budget_bytes=BUDGET)
    assert found.class_names == ("cat", "dog")
    assert "dataset.json is damaged: it is no JSON." in [r.text for r in found.health.remarks]
