"""From a run to an export and a page, by the command line; what is refused, what the card tells."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from ganwerk import api
from ganwerk.cli import entry
from ganwerk.control.tuning import save_tuned
from ganwerk.errors import CheckpointError, ConfigError, MachineError, RunError
from ganwerk.publish import child
from ganwerk.publish import export as exporting
from ganwerk.publish.card import TO_FILL, card
from ganwerk.publish.export import export
from ganwerk.publish.exported import NAMES, open_export
from ganwerk.publish.folder import MARK
from ganwerk.publish.graphs import Differences
from ganwerk.publish.publish import publish
from ganwerk.run import Run
from ganwerk.sampling.sample import Sampler
from ganwerk.training.finetune import finetune
from ganwerk.training.prepare import Request
from ganwerk.training.train import train
from tests.publish.exports import directions_of
from tests.runs import TINY

FOUND = Differences({1: 1e-6, 3: 2e-6, 8: 3e-6}, 0.01, 1)


def request(out, images=160):
    wanted = TINY | {"budget.images": images}
    return Request("digits", flags={k: (v, k) for k, v in wanted.items()}, out=out)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Ten classes of digits, with directions."""
    made = train(request(tmp_path_factory.mktemp("secret-folder") / "digits"))
    directions_of(made / "directions", TINY["latent.dim"], [0], count=3)
    return made


@pytest.fixture(scope="module")
def exported_run(run):
    """Its export, made by the command."""
    pytest.importorskip("onnx", reason="needs the extra 'export'")
    done = CliRunner().invoke(entry, ["export", str(run), "--licence", "CC0", "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output.splitlines()[-1])


def text_of(run, at="latest", licence=""):
    sampler = Sampler.open(run, at)
    return card(Run.open(run), sampler, "Digits", licence, {"picture.onnx": 5_000}, FOUND)


def test_the_command_writes_checks_and_tells(run, exported_run):
    folder = Path(exported_run["folder"])
    assert folder == run / "export"
    assert {path.name for path in folder.iterdir()} == {*NAMES, MARK}
    assert exported_run["float32_difference"] < 1e-4
    assert exported_run["mean_grey_levels"] < 0.5
    assert exported_run["directions"] == 3
    about = open_export(folder)
    assert about.images == exported_run["images"] == 160
    assert [kind.name for kind in about.classes] == list("0123456789")
    assert about.directions is not None and len(about.directions.vectors) == 3
    secret = str(run.parent).encode()
    for name in NAMES:
        content = (folder / name).read_bytes()
        assert secret not in content and b"secret-folder" not in content
    assert "CC0" in (folder / "card.md").read_text()


def test_sample_draws_the_same_from_both(run, exported_run, tmp_path):
    for where, out in ((run, "a"), (run / "export", "b")):
        asked = ["sample", str(where), "--seeds", "0-9", "--grid", "--out", str(tmp_path / out)]
        done = CliRunner().invoke(entry, [*asked, "--class", "3", "--class", "7"])
        assert done.exit_code == 0, done.output
    sheets = [np.asarray(Image.open(tmp_path / out / "grid.png")).astype(int) for out in "ab"]
    assert np.abs(sheets[0] - sheets[1]).mean() < 0.5  # half precision
    done = CliRunner().invoke(entry, ["sample", str(run / "export"), "--at", "best"])
    assert done.exit_code == 2
    assert "holds one generator" in done.output


def test_a_site_and_again_and_one_file(run, exported_run, runtime, tmp_path):
    site = tmp_path / "site"
    asked = ["publish", str(run / "export"), str(site), "--runtime", str(runtime)]
    for _ in range(2):
        done = CliRunner().invoke(entry, asked)
        assert done.exit_code == 0, done.output
    assert "a visitor loads" in done.output
    assert max(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 25 << 20
    assert (site / "runtime" / "LICENSE.txt").is_file()
    page = (site / "index.html").read_text()
    assert "unsafe-inline" not in page and "'unsafe-eval'" not in page
    assert "onclick" not in page and "style=" not in page
    single = tmp_path / "page.html"
    for _ in range(2):
        done = CliRunner().invoke(entry, [*asked[:2], str(single), *asked[3:], "--one-file"])
        assert done.exit_code == 0, done.output
    assert single.stat().st_size < 10e6
    single.write_text("mine")
    done = CliRunner().invoke(entry, [*asked[:2], str(single), *asked[3:], "--one-file"])
    assert (done.exit_code, single.read_text()) == (2, "mine")


def test_from_python(run, exported_run, runtime, tmp_path, monkeypatch):
    files = {name: (run / "export" / name).read_bytes() for name in NAMES}
    told = {"images": 160, "differences": {"float32": {"1": 1e-6}, "mean_grey": 0.1,
            "largest_grey": 1}, "directions": 0, "warnings": ["a warning"]}  # fmt: skip
    monkeypatch.setattr(exporting, "exported_files", lambda *_: (files, told))
    monkeypatch.setattr("ganwerk.publish.publish.exported_files", lambda *_: (files, told))
    made = api.open_run(run).export(tmp_path / "generator", title="Mine")
    assert open_export(made.folder).size == TINY["latent.dim"]
    assert made.warnings == ("a warning",)
    page = api.open_run(run).publish(tmp_path / "site", runtime=runtime)
    assert page.files == sum(1 for path in page.target.rglob("*") if path.is_file()) - 1
    assert page.wire < 5e6


def test_a_run_without_a_checkpoint_or_none_at_all(run, tmp_path):
    with pytest.raises(RunError, match="no run"):
        export(tmp_path / "nothing")
    empty = Run.create(tmp_path / "empty", settings_toml=Run.open(run).settings_toml, origins={},
                       about={}, data={})  # fmt: skip
    with pytest.raises(CheckpointError):
        export(empty.path)
    assert not (empty.path / "export").exists()


def test_a_target_in_use_is_refused_before_any_work(run, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(MachineError, match=r"other files: mine\.txt"):
        export(run, out=tmp_path)
    with pytest.raises(MachineError, match=r"other files: mine\.txt"):
        publish(run, tmp_path)
    with pytest.raises(MachineError, match="is a folder"):
        publish(run, tmp_path, single=True)


@pytest.mark.parametrize("name", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_library_names_the_extra(name, run, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=name) as caught:
        export(run, out=tmp_path / "new")
    assert "pip install 'ganwerk[export]'" in caught.value.hint


def test_an_unknown_precision(run):
    with pytest.raises(ConfigError, match="int8"):
        export(run, precision="int8", out=run / "other")


def test_a_process_that_dies_leaves_nothing(run, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(MachineError, match="ended with code 1"):
        export(run, out=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_errors_cross_the_border_whole(monkeypatch, capsys):
    import io

    asked = {"run": "nowhere", "at": "latest", "precision": "float16", "title": None,
             "licence": "", "out": "x"}  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(asked)))
    assert child.main() == 0
    kind, message, hint = json.loads(capsys.readouterr().out)["error"]
    assert kind == "RunError" and "nowhere" in message and "ganwerk train" in hint


def test_the_card_counts_and_names_no_place(run, tmp_path):
    told = text_of(run)
    assert "digits (" not in told
    assert "1,797 pictures, drawn at 16 x 16 px, grey" in told
    assert "Classes: 0 (178), 1 (182)" in told
    assert "160 pictures shown" in told
    assert TO_FILL in told
    assert "/" not in told.replace("and/or", "")
    assert "Nobody may" in text_of(run, licence="Nobody may")


def test_the_card_has_measures_with_floors(run):
    assert "Nothing was measured." in text_of(run)
    folder = run / "evaluations"
    folder.mkdir()
    record = {"name": "FD[x]", "value": 3.25, "error": 0.5,
              "floor": {"mean": 1.0, "deviation": 0.125}}  # fmt: skip
    other = {"name": "modes", "value": 7.0, "error": None, "floor": None}
    (folder / "000000160-abcd.json").write_text(json.dumps({"records": [record, other]}))
    (folder / "000000099-abcd.json").write_text(json.dumps({"records": []}))
    told = text_of(run)
    assert "| FD[x] | 3.25 ± 0.5 | 1 ± 0.12 |" in told
    assert "| modes | 7 | - |" in told
    (folder / "000000160-ffff.json").write_text("{")  # damaged: the one before
    assert "| FD[x]" in text_of(run)


def test_the_card_tells_warnings_without_paths(run):
    with Run.open(run).journal as journal:
        journal.append({"event": "warning", "images": 10, "message": "Losses grew."})
        journal.append({"event": "warning", "images": 10, "message": "Saved /home/me/x."})
        journal.append({"event": "warning", "images": 9_999, "message": "Later."})
    told = text_of(run)
    assert "Losses grew." in told
    assert "/home" not in told and "Later." not in told


def test_finetuned_and_tuned_runs_have_cards_too(run, tmp_path):
    tuned = finetune(run, request(tmp_path / "finetuned", 32))
    assert "Began with the weights of another run" in text_of(tuned)
    save_tuned(Run.open(run), Sampler.open(run), tmp_path / "tuned", {"run": "x", "photo": "y"})
    assert "Tuned to one picture" in text_of(tmp_path / "tuned")
