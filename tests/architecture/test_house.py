"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "ganwerk"
FILES = sorted(SOURCE.rglob("*.py"))
MOST_LINES = 400
MOST_FUNCTION_LINES = 60
LARGEST_ROOM = 0.15  # of all lines

BASE = {"errors", "values", "checks"}
NETWORKS = BASE | {"nn"}
GAME = NETWORKS | {"game"}
KEPT = GAME | {"config", "data", "run"}
RUNTIME = KEPT | {"runtime"}
SAMPLING = RUNTIME | {"sampling"}

MAY_IMPORT = {
    "errors": set(),
    "values": set(),
    "checks": {"errors"},
    "nn": BASE,
    "game": NETWORKS,
    "style": GAME,
    "metrics": NETWORKS,
    "data": NETWORKS,
    "run": BASE,
    "config": GAME,
    "runtime": KEPT,
    "sampling": RUNTIME,
    "doctor": SAMPLING | {"metrics"},
    "scale": GAME,
    "training": SAMPLING | {"metrics", "scale", "doctor"},
    "stylisation": RUNTIME | {"style"},
    "control": SAMPLING | {"style", "stylisation"},
    "evaluation": SAMPLING | {"metrics"},
    "report": RUNTIME | {"doctor"},
    "publish": SAMPLING,
    "sweep": SAMPLING | {"metrics", "training"},
    "lab": KEPT,
    "web": SAMPLING
    | {"metrics", "control", "stylisation", "evaluation", "lab", "report", "doctor"},
    "api": SAMPLING | {"training", "control", "evaluation", "report", "publish", "doctor"},
    "cli": SAMPLING
    | {
        "metrics",
        "style",
        "doctor",
        "training",
        "scale",
        "stylisation",
        "control",
        "evaluation",
        "report",
        "publish",
        "sweep",
        "lab",
        "web",
    },
}
"""Which part of ganwerk may import which: always downwards."""

TORCH_FREE = ["errors.py", "values.py", "checks.py", "config/schema.py", "config/section.py",
              "config/remedies.py", "config/load.py", "config/auto.py",
              "config/explain.py", "nn/sizes.py", "game/counters.py", "sampling/wanted.py",
              "publish/export.py", "publish/exported.py", "publish/drawing.py",
              "publish/publish.py", "publish/site.py",
              "doctor/finding.py", "doctor/table.py", "game/equilibrium.py",
              "report/curves.py", "web/app.py", "web/serve.py"]  # fmt: skip


@cache
def tree_of(path: Path) -> ast.Module:
    """Parsed once for all rules."""
    return ast.parse(path.read_text("utf-8"))


def part_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@cache
def imports_of(path: Path) -> list[str]:
    found = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.append(node.module or "")
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def modules_imported(path: Path) -> set[str]:
    """Modules of ganwerk that a file imports, also inside functions and for the type checker. The
    package around an imported module does not count, nor does the importing file's own."""
    found = set(imports_of(path)) & MODULES.keys()
    around = {name.rpartition(".")[0] for name in found}
    return found - around - {module_of(path), "ganwerk"}


def test_no_circles_of_modules():
    graph = {name: modules_imported(path) for name, path in MODULES.items()}
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle
    assert "ganwerk.game.rounds" in graph["ganwerk.game.step"]
    graph["ganwerk.game.rounds"].add("ganwerk.game.step")
    with pytest.raises(CycleError):
        list(TopologicalSorter(graph).static_order())


def test_no_room_holds_too_much():
    lines = Counter()
    for path in FILES:
        lines[part_of(path)] += path.read_text("utf-8").count("\n")
    room, most = lines.most_common(1)[0]
    assert most < LARGEST_ROOM * lines.total(), f"{room}: {most} of {lines.total()} lines"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_down(path):
    part = part_of(path)
    if part in ("__init__", "__main__"):
        return
    names = {n.split(".")[1] for n in imports_of(path) if n.startswith("ganwerk.") and "." in n}
    parts = {n for n in names if (SOURCE / n).exists() or (SOURCE / f"{n}.py").exists()}
    assert parts - MAY_IMPORT[part] - {part} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_files_and_functions_fit_a_screen_or_two(path):
    text = path.read_text("utf-8")
    assert text.count("\n") <= MOST_LINES
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > MOST_FUNCTION_LINES
    ]
    assert long == []


TEACHES_A_STYLE = SOURCE / "stylisation" / "network.py"
"""The one training that is no game."""

PUBLISHED_WEIGHTS = (
    SOURCE / "stylisation" / "weights.py",
    SOURCE / "metrics" / "features" / "fidelity.py",
)
"""Weight files in torch's own format: their digest is checked, and only tensors are read."""

FORBIDDEN = ("torch.load", "torch.save", "pickle", "joblib", "allow_pickle=True", "nan_to_num",
             "eval(", "exec(")  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_nothing_executable_is_loaded_and_nothing_is_masked(path):
    tree = tree_of(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func) + "("
            if called == "torch.load(" and path in PUBLISHED_WEIGHTS:
                assert "weights_only=True" in ast.unparse(node)
                continue
            assert not any(
                called == word or called == f"{word}(" or called.startswith(f"{word}.")
                for word in FORBIDDEN
            ), called
            assert "allow_pickle=True" not in ast.unparse(node)
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, "bare except"


NO_PLAYERS = [SOURCE / "lab" / "judge.py"]
"""Where networks are trained that play in no game."""


def test_only_the_step_moves_weights():
    for path in (path for path in FILES if path not in NO_PLAYERS):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr == "backward":
                    assert path == SOURCE / "game" / "step.py"
                if node.func.attr == "step" and "optimiser" in ast.unparse(node.func.value):
                    assert path in (SOURCE / "game" / "step.py", TEACHES_A_STYLE)


def tensors_measured(function: ast.FunctionDef) -> list[str]:
    """Calls len(x) in a function, of parameters and locals that are said to be tensors."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    said = [(a.arg, a.annotation) for a in named if a.annotation is not None]
    for node in ast.walk(function):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            said.append((node.target.id, node.annotation))
    tensors = {name for name, kind in said if ast.unparse(kind) in ("Tensor", "Tensor | None")}
    return [
        ast.unparse(node)
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "len"
        and ast.unparse(node.args[0]) in tensors
    ]


@pytest.mark.parametrize("path", sorted((SOURCE / "nn").glob("*.py")), ids=lambda p: p.name)
def test_networks_do_not_freeze_the_batch(path):
    """len(tensor) is a number, which a traced network keeps; shape[0] stays what it is."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert tensors_measured(node) == [], f"{node.name}: use shape[0]"


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_settings_are_read_without_torch():
    """One process imports one after the other, and tells which one brings torch."""
    modules = [module_of(SOURCE / name) for name in TORCH_FREE]
    imports = "; ".join(f"import {name}; 'torch' in sys.modules and sys.exit({name!r})"
                        for name in modules)  # fmt: skip
    loaded = modules_after(imports)
    assert "torch" not in loaded
    assert loaded >= set(modules)


def test_importing_ganwerk_is_free():
    heavy = {"torch", "numpy", "PIL", "pydantic", "rich", "matplotlib", "sklearn", "click"}
    assert heavy & modules_after("import ganwerk") == set()


def test_no_utils():
    assert [p for p in FILES if p.stem in ("utils", "util", "helpers", "misc")] == []


def test_public_names_exist():
    import ganwerk

    assert ganwerk.__all__ == sorted(ganwerk.__all__)
    for name in ganwerk.__all__:
        assert getattr(ganwerk, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ganwerk.nothing


def test_no_package_host_is_named():
    texts = [ROOT / "constraints.txt", ROOT / "pyproject.toml", ROOT / "Makefile", ROOT / ".ci/run"]
    for path in texts:
        assert "://" not in path.read_text("utf-8"), path
