from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from picture_files import Painter, noise
from PIL import Image

from ganwerk.data import HealthLine, HealthReport, Unreadable, scan

PLAIN = HealthReport(
    where="p",
    kind="folder",
    found=1000,
    readable=1000,
    resolution=32,
    channels=3,
    fit="crop",
    widths_px=(32, 40, 64),
    heights_px=(32, 32, 32),
    advised_resolution=32,
    advised_channels=3,
    resolution_reason="it fits.",
    channels_reason="in colour.",
    modes={"RGB": 990, "L": 10},
    formats={"PNG": 1000},
    mirror_safe=True,
    mirror_reason="nobody can tell.",
    mirror_accuracy=0.5,
)


def findings(**changes: object) -> list[tuple[str, str]]:
    """What a report says beyond the plain one."""
    plain = {line.text for line in PLAIN.lines()}
    lines = replace(PLAIN, **changes).lines()
    return [(line.severity, line.text) for line in lines if line.text not in plain]


def test_a_healthy_set_has_no_warning() -> None:
    lines = PLAIN.lines()
    assert {line.severity for line in lines} == {"note"}
    assert [line.text for line in lines][:2] == [
        "1,000 pictures can be used.",
        "Size: 32 to 64 (median 40) px wide, 32 px high; RGB 990, L 10; PNG 1,000.",
    ]


@pytest.mark.parametrize(
    ("changes", "severity", "text"),
    [
        ({"readable": 100}, "warning", "learnt by heart"),
        ({"enlarged": 600}, "warning", "600 pictures are smaller than 32 px"),
        ({"enlarged": 3}, "note", "3 pictures are smaller"),
        (
            {"unreadable": (Unreadable("a.png", "is empty"),)},
            "warning",
            "1 of 1,000 files cannot be read and are skipped: a.png is empty.",
        ),
        ({"ignored": {".heic": 7}}, "note", "7 files are no pictures"),
        ({"constant_count": 2, "constant": ("a", "b")}, "warning", "one single colour: a, b."),
        ({"constant_count": 900, "constant": ("a",) * 20}, "error", "and 895 more."),
        ({"duplicate_count": 5, "duplicates": (("a", "b"),)}, "note", "for example a = b."),
        ({"duplicate_count": 500, "duplicates": (("a", "b"),)}, "warning", "repeat another"),
        ({"near_duplicate_count": 5, "near_duplicates": (("a", "b"),)}, "note", "nearly like"),
        (
            {"class_names": ("x", "y"), "class_counts": (500, 500)},
            "note",
            "2 classes, balanced: 500 to 500 pictures.",
        ),
        ({"class_names": ("x", "y"), "class_counts": (700, 300)}, "note", "uneven: 300 to 700"),
        (
            {"class_names": ("x", "y"), "class_counts": (950, 50)},
            "warning",
            "very uneven: 50 to 950 pictures. 'y' has only 50",
        ),
        ({"class_names": ("x", "y"), "class_counts": (30, 30)}, "warning", "'x' has only 30"),
        ({"empty_classes": ("z",)}, "warning", "left out: z."),
        ({"elongated": 3}, "warning", "only the square in their middle is used. To keep all"),
        ({"several": 3}, "note", "3 files hold several pictures"),
        ({"made_here": 1, "made_here_example": "a.png"}, "warning", "for example a.png. If they"),
        ({"remarks": (HealthLine("note", "So it is."),)}, "note", "So it is."),
        ({"mirror_safe": False}, "note", "Mirroring is not used: nobody"),
        ({"skipped": ("near copies.",)}, "note", "Not checked: near copies."),
    ],
)
def test_every_finding(changes: dict[str, object], severity: str, text: str) -> None:
    found = findings(**changes)
    assert len(found) == 1
    assert found[0][0] == severity
    assert text in found[0][1]


def test_many_unreadable_files_are_counted_and_some_named() -> None:
    bad = tuple(Unreadable(f"{number}.png", "is empty") for number in range(50))
    (_, text), *_ = findings(unreadable=bad)
    assert "50 of 1,000" in text
    assert "19.png" in text
    assert "20.png" not in text
    assert text.endswith("and 30 more.")


def test_json_round_trip() -> None:
    report = replace(
        PLAIN,
        unreadable=(Unreadable("a", "is empty"),),
        duplicates=(("a", "b"), ("c", "d", "e")),
        class_names=("x", "y"),
        class_counts=(4, 5),
        remarks=(HealthLine("warning", "So it is."),),
    )
    values = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert values == report.to_dict()
    assert HealthReport.from_dict(values) == report
    assert HealthReport.from_dict({**values, "from the future": 1}) == report
    del values["readable"]
    with pytest.raises(TypeError):
        HealthReport.from_dict(values)


def test_scan_measures(tmp_path: Path, paint: Painter) -> None:
    folder = tmp_path / "p"
    paint(folder / "a", 20, width=40)
    paint(folder / "b", 20, first=20, suffix=".bmp")
    Image.fromarray(noise(3, width=40)).save(folder / "b" / "copy.png")
    soft = Image.fromarray(noise(90, 4, 4)).resize((32, 32), Image.Resampling.BICUBIC)
    soft.save(folder / "b" / "soft.png")
    soft.save(folder / "b" / "near.jpg", quality=85)
    Image.new("L", (64, 64), 9).save(folder / "b" / "flat.png")
    report = scan(folder, resolution=32, channels=3)
    assert report.readable == report.found == 44
    assert report.widths_px == (32, 32, 64)
    assert report.heights_px == (32, 32, 64)
    assert report.modes == {"RGB": 43, "L": 1}
    assert report.formats == {"PNG": 23, "BMP": 20, "JPEG": 1}
    assert report.duplicates == (("a/0003.png", "b/copy.png"),)
    assert report.duplicate_count == 1
    assert report.near_duplicates == (("b/near.jpg", "b/soft.png"),)
    assert report.near_duplicate_count == 1
    assert (report.constant, report.constant_count) == (("b/flat.png",), 1)
    assert (report.class_names, report.class_counts) == (("a", "b"), (20, 24))
    assert report.balance == "balanced"
    assert (report.mirror_safe, report.mirror_accuracy) == (False, None)
    assert HealthReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_odd_pictures_are_counted(tmp_path: Path, paint: Painter) -> None:
    folder = tmp_path / "p"
    paint(folder, 20)
    paint(folder / "wide", 2, first=30, height=10, width=50)
    paint(folder / "high", 1, first=40, height=50, width=10)
    paint(folder / "nearly", 1, first=50, height=10, width=40)
    frames = [Image.fromarray(noise(seed)) for seed in (60, 61)]
    for suffix in ("gif", "webp", "tiff", "png"):
        frames[0].save(folder / f"a.{suffix}", save_all=True, append_images=frames[1:])
    frames[0].save(folder / "stereo.jpg", "MPO", save_all=True, append_images=frames[1:])
    frames[0].save(folder / "one.gif")
    report = scan(folder)
    assert (report.elongated, report.several, report.made_here) == (3, 4, 0)
    text = " ".join(line.text for line in report.lines())
    assert "3 pictures are more than 4 times as long as wide" in text
    assert "4 files hold several pictures" in text
    assert "are more than 4 times" not in " ".join(r.text for r in scan(folder, fit="pad").lines())


def test_a_picture_constant_but_for_one_pixel_is_not_constant(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    for number in range(16):
        pixels = np.zeros((16, 16, 3), np.uint8)
        pixels[number, 0, 0] = 1
        Image.fromarray(pixels).save(tmp_path / "p" / f"{number}.png")
    assert scan(tmp_path / "p", channels=3).constant_count == 0


def test_the_search_for_copies_is_left_out_for_a_huge_set(
    tmp_path: Path, paint: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganwerk.data.measure.MOST_FOR_LIKENESS", 10)
    paint(tmp_path / "p", 20)
    assert "more than 10 pictures" in scan(tmp_path / "p").skipped[0]
