"""ganwerk diagnose: what it prints, how it ends, and runs in every state of disrepair."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner

import ganwerk
from ganwerk.cli.diagnose import command
from ganwerk.doctor.diagnose import diagnose
from ganwerk.doctor.table import kinds
from ganwerk.errors import ConfigError, RunError
from ganwerk.report import report_facts, write_report
from ganwerk.run import Run

from .courses import journal


def told(*arguments: object):
    return CliRunner().invoke(command, [str(a) for a in arguments])


@pytest.fixture
def make(digits_run, tmp_path):
    """A run whose journal holds given rows."""

    def write(rows, name="run"):
        path = tmp_path / name
        shutil.copytree(digits_run, path)
        (path / "journal.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def test_nothing_wrong_ends_with_0_and_something_with_1(make):
    healthy, failing = make(journal(), "healthy"), make(journal(class_variety=0.1), "failing")
    silent, loud = told(healthy), told(failing)
    assert silent.exit_code == 0
    assert "Nothing found" in silent.output
    assert loud.exit_code == 1
    assert "GW202 One picture per class" in loud.output
    assert "Not GW201" in loud.output
    assert "What helps:" in loud.output


def test_commands_that_help_name_the_run(make):
    path = make(journal(distance=[60 * 0.93**i for i in range(20)]), "a run")
    assert f"ganwerk resume '{path}' --minutes 20" in told(path).output
    assert f"ganwerk resume &#x27;{path}&#x27; --minutes" in write_report(path).read_text()


def test_json_and_python_say_the_same(make):
    path = make(journal(class_variety=0.1))
    values = json.loads(told(path, "--json").output)
    assert values["ok"]
    assert values["diagnosis"]["wrong"]
    assert values["diagnosis"]["findings"][0]["code"] == "GW202"
    assert ganwerk.diagnose(path).findings[0].code == "GW202"
    assert ganwerk.diagnose(path).to_dict()["measured"] == values["diagnosis"]["measured"]


@pytest.mark.parametrize("code", kinds())
def test_every_code_is_explained_without_a_run(code):
    output = told("--explain", code.lower()).output
    assert kinds()[code].name in output
    assert f"docs/{kinds()[code].page}" in output
    tried = f"ganwerk resume RUN --treat {code}"
    assert (tried in output) == bool(kinds()[code].treatments)
    assert json.loads(told("--explain", code, "--json").output)["finding"]["code"] == code


def test_an_installed_package_names_no_page_that_it_has_not(tmp_path, monkeypatch):
    monkeypatch.setattr("ganwerk.cli.diagnose.DOCS", tmp_path)
    assert "With pictures" not in told("--explain", "GW203").output


@pytest.mark.parametrize("code", kinds())
def test_what_helps_names_the_run_and_how_a_treatment_is_tried(code):
    helps = kinds()[code].helps_with("my run")
    assert "RUN" not in helps
    assert ("ganwerk resume 'my run' --treat " + code in helps) == bool(kinds()[code].treatments)


def test_an_unknown_code_or_no_run_is_a_sentence():
    assert isinstance(told("--explain", "GW299").exception, ConfigError)
    with pytest.raises(ConfigError, match="needs the folder of a run"):
        raise told().exception


def test_a_folder_that_is_no_run_is_a_sentence(tmp_path):
    with pytest.raises(RunError):
        diagnose(tmp_path)


@pytest.mark.parametrize("gone", ["journal.jsonl", "data.json", "about.json", "run.toml"])
def test_what_is_missing_is_said_and_the_rest_is_told(make, gone):
    path = make(journal(class_variety=0.1))
    (path / gone).unlink()
    if gone in ("about.json", "run.toml"):  # without these it may be no run at all
        try:
            found = diagnose(path)
        except RunError:
            return
    else:
        found = diagnose(path)
        assert found.gaps
    assert gone == "journal.jsonl" or "GW202" in {f.code for f in found.lasting}


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe\n", b'{"event":"look"}\n[]\nnull\n'])
def test_a_damaged_journal_is_read_as_far_as_it_goes(make, damage):
    path = make(journal(class_variety=0.1))
    with (path / "journal.jsonl").open("ab") as file:
        file.write(damage)
    assert "GW202" in {f.code for f in diagnose(path).lasting}


def test_broken_settings_are_a_gap(make):
    path = make(journal())
    (path / "run.toml").write_text("= nothing")
    assert any("run.toml" in gap for gap in diagnose(path).gaps)


def test_the_report_begins_with_the_findings(make):
    path = make(journal(class_variety=0.1))
    page = write_report(path).read_text()
    assert page.index('id="findings"') < page.index('id="pictures"')
    assert "GW202 One picture per class" in page
    assert "Kinds and their variety" in page
    assert report_facts(path)["diagnosis"]["findings"][0]["code"] == "GW202"


def test_a_closer_look_draws_sheets_for_the_report(digits_run, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(digits_run, path)
    found = told(path, "--deep", "--json")
    values = json.loads(found.output)["closer"]
    assert 0.5 < values["values"]["fresh_judge"] <= 1  # after seconds of training
    assert values["values"]["fresh_judge_chance"] < 0.65
    assert len(values["pictures"]) >= 3
    assert 0 < values["values"]["border_attention"] < 1
    sheets = ("doctor-alike.png", "doctor-copies.png", "doctor-ignored.png",
              "doctor-attention.png")  # fmt: skip
    assert all((Run.open(path).pictures_path / name).exists() for name in sheets)
    assert "nearest to it" in write_report(path).read_text()


def test_a_run_of_which_the_generator_alone_is_left_is_looked_at_without_its_judge(
    digits_run, tmp_path
):
    path = tmp_path / "run"
    shutil.copytree(digits_run, path)
    for state in path.glob("checkpoints/*/state.safetensors"):
        state.unlink()
    closer = json.loads(told(path, "--deep", "--json").output)["closer"]
    assert "border_attention" not in closer["values"]
    assert any("Where the judge looks is not known" in line for line in closer["sentences"])
    assert not (path / "pictures" / "doctor-attention.png").exists()


def test_without_its_checkpoint_a_run_is_diagnosed_but_not_looked_at_closely(make):
    path = make(journal(class_variety=0.1))
    shutil.rmtree(path / "checkpoints")
    values = json.loads(told(path, "--deep", "--json").output)
    assert values["closer"] is None
    assert "No closer look" in values["diagnosis"]["gaps"][-1]
    assert values["diagnosis"]["findings"][0]["code"] == "GW202"


def test_the_docs_are_what_the_table_says():
    from bench.doctor.document import DOCS, pages

    for name, text in pages().items():
        assert (DOCS / name).read_text("utf-8") == text, "run python -m bench.doctor.document"
