"""The report: opens anywhere, says how the run stands, and trusts nothing that users named."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganwerk.config.explain import to_toml
from ganwerk.config.schema import Settings
from ganwerk.errors import MachineError, RunError
from ganwerk.game.losses import LOSSES
from ganwerk.report import report_facts, write_report
from ganwerk.report.gallery import MOST_MOMENTS
from ganwerk.report.images import Layout, embed, on_nothing, open_grid, spread
from ganwerk.report.plot import Series, curve, tick_labels, ticks
from ganwerk.run import Run, grid, write_picture

EVIL = "<script>alert('&\"')</script>"
REACHING = ("src", "href", "action", "data", "poster", "srcset", "xlink:href")


class Page(HTMLParser):
    """What a browser would see of the page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.html = path.read_text("utf-8")
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        where = self.open[-1] if self.open else ""
        kept = {"script": self.scripts, "style": []}.get(where, self.words)
        kept.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def of(self, tag: str, class_: str = "") -> list[dict[str, str]]:
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and (not class_ or class_ in attributes.get("class", "").split())
        ]


def settings(loss: str = "non-saturating", **data: Any) -> Settings:
    shown = {"where": "pictures", "resolution": 16, "channels": 3, "mirror": True}
    return Settings.model_validate(
        {
            "data": shown | {"conditional": False, "memory_mb": 64} | data,
            "network": {"kind": "dcgan"},
            "latent": {"dim": 64},
            "game": {"loss": loss},
            "remedy": [{"kind": "r1", "weight": 1.5}],
            "optimiser": {"generator_rate": 2e-4, "discriminator_rate": 2e-4},
            "schedule": {},
            "average": {"half_life_images": 1000},
            "budget": {"images": 10_000, "batch": 64},
            "run": {"device": "cpu", "picture_seconds": 10},
        }
    )


def make(path: Path, *, loss: str = "non-saturating", **about: Any) -> Run:
    plan = {
        "resolution": 16,
        "channels": 3,
        "total_images": 10_000,
        "pictures": 900,
        "held_out": 64,
    }
    machine = {"device": "cpu", "device_name": "A Processor", "free_memory_bytes": 2_000_000_000}
    parts = {"plan": plan, "machine": machine, "choices": {"layers": {"conv": "bfloat16"}}}
    return Run.create(
        path,
        settings_toml=to_toml(settings(loss)),
        origins={"game.loss": "--set"},
        about=parts | about,
        data={"health": {}},
    )


def pictures(seed: int = 0, channels: int = 3, side: int = 16) -> Any:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (64, side, side, channels), np.uint8)


def train(run: Run, first: int = 1, last: int = 20, **more: float) -> None:
    """Rows and grids as a training leaves them, 500 images a row."""
    for i in range(first, last + 1):
        images = i * 500
        run.journal.append(
            {
                "event": "step",
                "step": i,
                "images": images,
                "seconds": i * 2.0,
                "d_loss": 1.0 + i / 100,
                "g_loss": 0.9,
                "value": -1.0,
                "real_logit": 0.5,
                "fake_logit": -0.5,
                "d_accuracy": 0.8,
                "penalty_r1": 0.1,
                "d_rate": 2e-4,
                "g_rate": 2e-4,
                "images_per_second": 250.0,
            }
            | more
        )
        write_picture(run.grid_path(images), grid(pictures(i), 8))
        run.journal.append({"event": "picture", "images": images})


def hold(run: Run, **other: Any) -> None:
    """As if a training held the run: this process, or another with `other`."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    holder = {"pid": os.getpid(), "host": platform.node(), "started": now} | other
    (run.path / "lock").write_text(json.dumps(holder))


def finished(path: Path, **options: Any) -> Run:
    run = make(path, **options)
    run.journal.append({"event": "start"})
    write_picture(run.pictures_path / "real.png", grid(pictures(99), 8))
    train(run)
    run.journal.append({"event": "end", "reason": "finished", "images": 10_000, "seconds": 40.0})
    run.journal.close()
    return run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return finished(tmp_path / "fruits")


# How it stands ------------------------------------------------------------------------------------


def test_a_finished_run_shows_everything(run: Run) -> None:
    path = write_report(run.path)
    assert path == run.report_path
    page = Page(path)
    assert "Finished after 10,000 images in 40 s, 250 images/s." in page.text
    for title in ("Pictures", "Timeline", "Curves", "Data", "Settings", "Machine", "How to go on"):
        assert title in page.text
    assert len(page.of("figure", "plot")) == 7
    assert "A grid of real training pictures" in {image["alt"] for image in page.of("img")}
    assert "64 of them held out" in page.text


def test_before_the_first_step_there_is_a_report(tmp_path: Path) -> None:
    run = make(tmp_path / "new")
    page = Page(write_report(run.path))
    assert "Nothing has been trained yet." in page.text
    assert "No pictures have been generated yet." in page.text
    assert "The curves begin with the first measurements." in page.text
    assert not page.of("svg") and not page.of("img")


def test_a_running_run_says_how_long_it_takes(tmp_path: Path) -> None:
    run = make(tmp_path / "now")
    run.journal.append({"event": "start"})
    train(run, last=10)
    hold(run)
    verdict = report_facts(run.path)["verdict"]
    assert verdict == (
        "In training: 5,000 of 10,000 images seen in 20 s, 250 images/s; about 20 s left."
    )


@pytest.mark.parametrize(
    "holder", [{"pid": 2**22 + 1}, {"started": "2000-01-01T00:00:00+00:00"}, {"pid": "?"}]
)
def test_a_lock_left_by_a_dead_process_is_a_crash(tmp_path: Path, holder: dict[str, Any]) -> None:
    run = make(tmp_path / "dead")
    train(run, last=4)
    hold(run, **holder)
    facts = report_facts(run.path)
    assert facts["state"] == "interrupted"
    assert "Broken off after 2,000 of 10,000 images" in facts["verdict"]
    assert "No checkpoint was saved by then." in facts["verdict"]


def test_a_long_silence_is_not_taken_for_training(tmp_path: Path) -> None:
    run = make(tmp_path / "silent")
    train(run, last=2)
    hold(run)
    os.utime(run.journal.path, (1e9, 1e9))
    assert report_facts(run.path)["state"] == "interrupted"


def test_a_stopped_run_can_go_on(tmp_path: Path) -> None:
    run = make(tmp_path / "stopped")
    train(run, last=4)
    run.journal.append({"event": "end", "reason": "stopped", "images": 2000, "seconds": 8.0})
    facts = report_facts(run.path)
    assert facts["state"] == "stopped"
    assert f"ganwerk resume {run.path}" in [entry["command"] for entry in facts["commands"]]


def test_after_a_resume_the_end_before_it_no_longer_counts(tmp_path: Path) -> None:
    run = finished(tmp_path / "again")
    run.journal.append({"event": "resume", "from_images": 8000})
    train(run, first=17, last=18)
    facts = report_facts(run.path)
    assert facts["state"] == "interrupted"
    assert facts["images"] == 10_000  # the 'end' row before, which did happen
    assert [grid["images"] for grid in facts["grids"]][-1] == 9000  # but not its last grids
    page = Page(write_report(run.path))
    assert len(page.of("line", "mark")) == 7
    assert "resumed" in page.text


# What it must bear --------------------------------------------------------------------------------


def test_missing_and_damaged_parts_are_named_and_the_rest_is_shown(run: Run) -> None:
    (run.path / "data.json").unlink()
    (run.path / "origins.json").write_text("[")
    run.settings_path.write_text("game = 3")
    run.grid_path(10_000).write_bytes(b"no picture")
    with open(run.journal.path, "a") as journal:
        journal.write(
            'broken\n{"event":"step","step":21,"images":10500,"d_loss":NaN,"value":"x"}\n'
        )
        journal.write('{"event":"step","step":22,"ima')
    page = Page(write_report(run.path))
    for name in ("data.json", "origins.json", "run.toml"):
        assert name in page.text
    assert "1 damaged lines of the journal" in page.text
    assert "Generated after 9,500 images" in page.text
    assert "NaN" not in page.text
    assert not any("NaN" in plot["data-plot"] for plot in page.of("figure", "plot"))
    json.dumps(report_facts(run.path), allow_nan=False)


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        write_report(tmp_path)
    with pytest.raises(RunError):
        report_facts(tmp_path / "nowhere")


def test_what_users_named_is_never_markup(tmp_path: Path) -> None:
    names = [EVIL, "b"]
    plan = {
        "resolution": 16,
        "total_images": 9,
        "conditional": True,
        "classes": names,
        "data": EVIL,
    }
    run = make(tmp_path / "evil <b> & 'run'", plan=plan, choices={EVIL: {"x": EVIL}})
    (run.path / "data.json").write_text(
        json.dumps({"health": {"class_names": names, "class_counts": [3, 4], "unread": [EVIL]}})
    )
    run.journal.append({"event": "warning", "message": EVIL, "hint": EVIL})
    train(run, last=3, **{f"penalty_{EVIL}": 1.0})
    page = Page(write_report(run.path))
    assert len(page.of("script")) == 1
    assert "alert(" not in page.scripts[0]
    assert not page.of("b", "")[0].get("onclick")
    assert EVIL in page.text
    assert "evil <b> & 'run'" in page.text


def test_nothing_comes_from_outside(run: Run) -> None:
    page = Page(write_report(run.path))
    for _, attributes in page.tags:
        for name in REACHING:
            assert attributes.get(name, "#").startswith(("#", "data:"))
    assert "http:" not in page.html and "https:" not in page.html and "@import" not in page.html
    assert page.html.count("url(") == page.html.count("url(#window-")
    assert any("default-src 'none'" in meta.get("content", "") for meta in page.of("meta"))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_noise_at_high_resolution_stays_small(tmp_path: Path, channels: int) -> None:
    run = make(tmp_path / "big", plan={"resolution": 128, "total_images": 9000})
    sheet = grid(pictures(1, channels, 128), 8)
    write_picture(run.pictures_path / "real.png", sheet)
    for images in (1000, 2000):
        write_picture(run.grid_path(images), sheet)
    path = write_report(run.path)
    text = path.read_text("utf-8")
    heroes, each = 2 * 350_000, 90_000 + 24_000  # of which a full timeline has ten
    assert len(text) < 4 / 3 * (heroes + 2 * each) + 60_000


def test_the_file_is_replaced_in_one_step(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "site" / "a.html"
    assert write_report(run.path, target) == target
    before = target.read_bytes()
    assert write_report(run.path, target.parent) == target.parent / "report.html"
    assert sorted(path.name for path in target.parent.iterdir()) == ["a.html", "report.html"]
    assert before == target.read_bytes()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_without_permission_is_explained(run: Run, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(MachineError):
        write_report(run.path, closed / "a.html")


# What it says -------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_the_values_of_balance_are_drawn(tmp_path: Path, loss: str) -> None:
    page = Page(write_report(finished(tmp_path / "run", loss=loss).path))
    facts = report_facts(tmp_path / "run")
    assert facts["equilibrium"]["value"] == LOSSES[loss].value_at_equilibrium
    for value in (*LOSSES[loss].at_equilibrium, LOSSES[loss].value_at_equilibrium):
        assert f"{value:.4g}".replace("-", "−") in page.text
    assert page.of("line", "level")
    assert ("How often D is right" in page.text) == LOSSES[loss].probabilistic


def test_every_plot_says_how_to_read_it(run: Run) -> None:
    page = Page(write_report(run.path))
    assert page.html.count("<figcaption>") >= 7
    assert page.text.count("Normal:") >= 6 and page.text.count("ook closer") >= 3
    assert "They do not say whether the pictures are good" in page.text


def test_plots_without_measurements_are_left_out(tmp_path: Path) -> None:
    run = make(tmp_path / "sparse")
    for i in (1, 2, 3):
        run.journal.append({"event": "step", "step": i, "images": i, "g_loss": 1.0})
    page = Page(write_report(run.path))
    assert [json.loads(plot["data-plot"])["box"][1] for plot in page.of("figure", "plot")] == [3.0]
    assert "D, the judge" not in page.text


def test_what_d_says_of_held_out_pictures_is_drawn(run: Run) -> None:
    assert "never seen" not in Page(write_report(run.path)).text
    for images in (500, 5000, 10_000):
        row = {"event": "picture", "images": images, "held_out_logit": 0.25}
        run.journal.append(row)
    text = Page(write_report(run.path)).text
    assert "real, never seen 0.25" in text
    assert "D knows the others by heart" in text


def test_settings_that_were_chosen_come_first(run: Run) -> None:
    text = Page(write_report(run.path)).text
    assert text.index("game.loss") < text.index("Left at their defaults") < text.index("data.fit")
    assert "game.loss non-saturating --set" in text


def test_the_commands_name_the_run(run: Run) -> None:
    text = Page(write_report(run.path)).text
    assert f"ganwerk resume {run.path} --minutes 20" in text
    assert f"ganwerk sample {run.path} --seeds 0-63 --out out/ --grid" in text


def test_the_timeline_spreads_its_moments(run: Run) -> None:
    page = Page(write_report(run.path))
    shots = [shot["data-when"] for shot in page.of("div", "shot")]
    assert len(shots) == MOST_MOMENTS
    assert (shots[0], shots[-1]) == ("after 500 images", "after 10,000 images")
    assert [shot["data-when"] for shot in page.of("div", "on")] == [shots[-1]]
    slider = next(given for given in page.of("input") if given["type"] == "range")
    assert (slider["min"], slider["max"]) == ("0", str(MOST_MOMENTS - 1))


def test_classes_and_their_counts_are_told(tmp_path: Path) -> None:
    plan = {"resolution": 16, "conditional": True, "classes": ["apple", "pear"]}
    run = make(tmp_path / "classes", plan=plan)
    health = {"class_names": ["apple", "pear"], "class_counts": [1200, 300], "new_in_future": 7}
    (run.path / "data.json").write_text(json.dumps({"health": health}))
    train(run, last=3)
    text = Page(write_report(run.path)).text
    assert "Each column is one class: apple, pear, and again." in text
    assert "apple 1,200 pear 300" in text
    assert "new in future: 7" in text


def test_warnings_are_told_once(run: Run) -> None:
    for _ in range(3):
        run.journal.append({"event": "warning", "message": "The disk is slow.", "hint": "Wait."})
    assert Page(write_report(run.path)).text.count("The disk is slow. Wait.") == 1


def test_transparent_pictures_are_shown_on_a_chequered_ground(tmp_path: Path) -> None:
    run = make(tmp_path / "alpha")
    write_picture(run.grid_path(500), grid(pictures(channels=4), 8))
    assert Page(write_report(run.path)).of("img", "see-through")


def test_facts_are_plain_json(run: Run) -> None:
    facts = report_facts(run.path)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert facts["latest"]["d_loss"] == pytest.approx(1.2)
    assert facts["total_images"] == 10_000


# The parts ----------------------------------------------------------------------------------------


def test_a_grid_is_laid_out_without_its_white_gaps(tmp_path: Path) -> None:
    shown = np.zeros((64, 16, 16, 3), np.uint8)
    write_picture(tmp_path / "grid.png", grid(shown, 8))
    picture = open_grid(tmp_path / "grid.png")
    assert picture is not None
    layout = Layout.of(picture, 16)
    assert layout == Layout.of(picture, 0) == Layout(16, 8, 8)
    bare = on_nothing(picture, layout)
    assert bare.size == (142, 142)
    opaque = np.asarray(bare.getchannel("A")) == 255
    assert opaque.sum() == 64 * 16 * 16
    assert np.asarray(bare)[opaque][:, :3].max() == 0
    assert Layout.of(picture, 37) is None


def test_small_grids_are_embedded_exactly(tmp_path: Path) -> None:
    import base64
    import io

    from PIL import Image

    picture = Image.fromarray(pictures()[0])
    shown = embed(picture, 64, 10_000)
    content = base64.b64decode(shown.uri.partition(",")[2])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")), pictures()[0])


def test_moments_are_spread_by_images_seen() -> None:
    assert spread([(i, i) for i in range(5)], 10) == [(i, i) for i in range(5)]
    chosen = [at for at, _ in spread([(i * i, None) for i in range(30)], 5)]
    assert (chosen[0], chosen[-1]) == (0, 841) and len(chosen) == 5
    assert max(np.diff(chosen)) < 2 * min(np.diff(chosen))


def test_a_long_curve_keeps_its_extremes_and_its_mean() -> None:
    values = np.random.default_rng(0).normal(size=50_000)
    drawn = curve(Series("", "d", list(range(50_000)), values.tolist()), smooth=True)
    assert len(drawn.line) <= 240
    assert drawn.low.min() == values.min() and drawn.high.max() == values.max()
    assert drawn.mean.mean() == pytest.approx(values.mean(), abs=1e-3)
    assert drawn.line.std() < drawn.mean.std()


@pytest.mark.parametrize("values", [[1.0, 1.0], [0.0, 1e-9], [1e6, 3e6], [-5.0, 5.0]])
def test_ticks_are_few_and_inside(values: list[float]) -> None:
    found = ticks(*values, 4)
    assert 1 <= len(found) <= 8
    assert all(values[0] - 1e-9 <= tick <= values[1] + 1e-9 for tick in found)
    assert len(set(tick_labels(found))) == len(found)
