"""The runtime for browsers: fetched, brought, kept, always checked."""

from __future__ import annotations

import gzip
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from ganwerk.errors import MachineError
from ganwerk.publish import webruntime
from ganwerk.publish.webruntime import RUNTIME, licences, unpacked, web_runtime
from ganwerk.values import ignore_progress
from tests.browser import missing


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANWERK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / f"web-{RUNTIME.package}-{RUNTIME.version}"


def test_what_was_vendored_has_the_digests_and_licence(runtime):
    files = unpacked(runtime, RUNTIME)
    assert set(files) == {"runtime.js", "runtime.wasm", "runtime-gpu.js", "runtime-gpu.wasm"}
    assert b"Licensed under the MIT License" in files["runtime.js"]
    assert b"MIT License" in licences()["LICENSE.txt"]
    assert all(len(gzip.compress(content, 1)) < 25 << 20 for content in files.values())


def test_brought_once_then_kept_then_checked(runtime, own_cache, monkeypatch):
    monkeypatch.setattr(webruntime.shutil, "which", lambda _: None)
    with pytest.raises(MachineError, match="no npm to fetch it") as caught:
        web_runtime(None, ignore_progress)
    assert "npm pack onnxruntime-web@" in caught.value.hint
    assert "--runtime" in caught.value.hint
    brought = web_runtime(runtime, ignore_progress)
    assert web_runtime(None, ignore_progress) == brought
    with monkeypatch.context() as patch:
        patch.setattr(webruntime.gzip, "compress", None)  # brought again, it is not packed again
        assert web_runtime(runtime, ignore_progress) == brought
    (own_cache / "runtime.js").write_bytes(b"something else")
    with pytest.raises(MachineError, match="no npm"):
        web_runtime(None, ignore_progress)


def test_another_package_is_refused(tmp_path, own_cache):
    path = tmp_path / "some.tgz"
    path.write_bytes(b"no package")
    with pytest.raises(MachineError, match="its digest is another one"):
        web_runtime(path, ignore_progress)
    with pytest.raises(MachineError, match="Cannot read"):
        web_runtime(tmp_path / "none.tgz", ignore_progress)
    assert not own_cache.exists()


@pytest.mark.parametrize("works", [True, False])
def test_npm_fetches(works, runtime, own_cache, tmp_path, monkeypatch):
    script = f"cp {runtime} ." if works else "echo 'npm error network down' >&2; exit 1"
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(npm.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setattr(webruntime.shutil, "which", lambda _: str(npm))
    if works:
        assert set(web_runtime(None, ignore_progress)) == set(RUNTIME.files)
    else:
        with pytest.raises(MachineError, match="npm error network down"):
            web_runtime(None, ignore_progress)


def test_no_host_is_named():
    source = Path(webruntime.__file__)
    for path in (source, source.with_name("vendor.json"), Path(__file__).with_name("vendor.py")):
        assert "://" not in path.read_text("utf-8"), path


def test_the_page_names_no_host_and_needs_no_eval():
    from ganwerk.publish.site import PAGE

    for path in PAGE.iterdir():
        text = path.read_text("utf-8")
        assert "http:" not in text and "https:" not in text, path
        assert "eval(" not in text and "innerHTML" not in text, path


def test_the_modules_are_sound_javascript(tmp_path):
    from ganwerk.publish.site import PAGE

    node = shutil.which("node")
    if node is None:
        missing("node (it comes with npm, which make vendor needs)")
    sources = {path.stem: path.read_text("utf-8") for path in PAGE.glob("*.js")}
    assert "painter" in sources
    for name, source in (*sources.items(), ("broken", "export const half = {")):
        module = tmp_path / f"{name}.mjs"
        module.write_text(source.replace("{{files}}", "[]"))
        done = subprocess.run([node, "--check", str(module)], capture_output=True, text=True)
        assert (done.returncode == 0) == (name != "broken"), done.stderr
