"""What the documentation shows, works."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganwerk.config import load

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for i, text in enumerate(re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.S)):
            found.append((f"{page.name}:{i}", text))
    return found


@pytest.mark.parametrize("page", sorted({name.split(":")[0] for name, _ in blocks("python")}))
def test_python(page, tmp_path, monkeypatch):
    """All snippets of a page, in order, in one session."""
    monkeypatch.chdir(tmp_path)
    session: dict[str, object] = {}
    for name, text in blocks("python"):
        if name.startswith(f"{page}:"):
            exec(compile(text, name, "exec"), session)


@pytest.mark.parametrize(("name", "text"), blocks("toml"), ids=[n for n, _ in blocks("toml")])
def test_settings(name, text, tmp_path):
    tomllib.loads(text)
    file = tmp_path / "settings.toml"
    file.write_text(text)
    load.collect(file=file)


def commands() -> list[str]:
    found = []
    for _, text in blocks("(?:console|sh|bash)"):
        found += [line.removeprefix("$ ") for line in text.splitlines()]
    return sorted({line.split("#")[0].strip() for line in found if line.startswith("ganwerk ")})


@pytest.mark.parametrize("line", commands())
def test_commands_exist_with_these_options(line):
    """Every option a page shows is one its command has."""
    from ganwerk.cli import entry

    words = line.split()[1:]
    options = [w.split("=")[0] for w in words if w.startswith("--")]
    path = [w for w in words[:2] if re.fullmatch("[a-z]+", w)]
    for depth in (2, 1):
        result = CliRunner().invoke(entry, [*path[:depth], "--help"])
        if result.exit_code == 0:
            break
    assert result.exit_code == 0, line
    assert [o for o in options if o not in result.output] == []


def test_every_page_is_linked():
    everything = "".join(p.read_text() for p in PAGES)
    lonely = [
        p.name
        for p in PAGES[1:]
        if f"({p.name}" not in everything and f"/{p.name}" not in everything
    ]
    assert lonely == []


def test_links_lead_somewhere():
    for page in PAGES:
        prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_preset_and_its_page():
    text = (ROOT / "docs" / "presets.md").read_text()
    for name in load.preset_names():
        assert f"`{name}`" in text


def test_every_remedy_network_and_loss_is_named():
    from ganwerk.config import schema
    from ganwerk.game.latents import LATENTS
    from ganwerk.game.losses import LOSSES

    text = (ROOT / "docs" / "presets.md").read_text()
    for name in [*schema.NETWORKS, *LOSSES, *LATENTS]:
        assert f"`{name}`" in text, name
    index = (ROOT / "docs" / "remedies.md").read_text()
    for name, model in schema.REMEDIES.items():
        assert f"[{name}](remedies/{name}.md)" in index, name
        page = (ROOT / "docs" / "remedies" / f"{name}.md").read_text()
        assert [f for f in model.model_fields if f != "kind" and f"`{f}`" not in page] == [], name
