"""Help, version and mistakes of usage load nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ("torch", "torchvision", "numpy", "PIL", "pydantic", "rich", "matplotlib", "sklearn")

CODE = """
import contextlib, io, json, sys
from ganwerk.cli import entry
loaded, heavy = {}, set(json.loads(sys.argv[1]))
for args in json.loads(sys.argv[2]):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            entry.main(args, "ganwerk")
        except SystemExit:
            pass
    loaded[" ".join(args)] = sorted(heavy & {name.partition(".")[0] for name in sys.modules})
    loaded[" ".join(args) + " commands"] = sorted(
        name for name in sys.modules if name.startswith("ganwerk.cli.")
    )
print(json.dumps(loaded))
"""

CALLS = [
    ["--help"],
    ["--version"],
    [],
    ["trian"],
    *(
        [name, "--help"]
        for name in ("train", "resume", "sample", "report", "data", "demo", "style", "lab")
    ),
    ["data", "check", "--help"],
    ["config", "--help"],
    ["config", "explain", "--help"],
    ["lab", "ring", "--help"],
    ["train", "pictures", "--minutes", "1", "--images", "2"],
    ["sample", "run", "--seeds", "5-2"],
]


def loaded() -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(HEAVY), json.dumps(CALLS)],
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, list[str]] = json.loads(done.stdout)
    return answer


def test_help_is_light() -> None:
    modules = loaded()
    for args in CALLS:
        assert modules[" ".join(args)] == [], args
    assert modules["--help commands"] == [
        "ganwerk.cli.group",
        "ganwerk.cli.output",
        "ganwerk.cli.streams",
    ], "the help of the whole must not load the commands"


def test_the_module_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ganwerk", "--version"], capture_output=True, text=True, check=True
    )
    import ganwerk

    assert done.stdout == f"ganwerk {ganwerk.__version__}\n"
