"""The files of a page that draws: as a folder for any static host, or all in one file.

The page itself lies in page/: plain HTML, CSS and ES modules, as they are served. In one file the
modules stand one after the other, without their imports.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path

from ganwerk.publish.exported import CARD, PICTURE, SPACE, STYLES, Exported
from ganwerk.publish.webruntime import licences

PAGE = Path(__file__).with_name("page")
WORKER_MODULES = ("latents.js", "places.js", "painter.js")
MODULES = ("latents.js", "link.js", "draw.js", "card.js", "sources.js", "tabs.js", "stage.js",
           "steer.js", "sixteen.js", "walk.js", "mix.js", "page.js")  # fmt: skip
"""Each after those it imports."""
GPU_PX = 64
"""From this size on a graphics processor is worth the 4 MB of its runtime."""
GENERATOR = '<meta name="generator" content="ganwerk publish">'

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
}


def site_files(
    about: Exported, model: Mapping[str, bytes], runtime: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The site: names to contents. model: the files of the export. runtime: see webruntime."""
    used = {name: content for name, content in runtime.items() if _wanted(name, about)}
    paths = {name: f"model/{name}" for name in (SPACE, CARD, STYLES, PICTURE)}
    paths |= {name: f"runtime/{_served(name)}" for name in used}
    contents = {paths[name]: content for name, content in (dict(model) | used).items()}
    listed = {name: {"path": path, "bytes": len(contents[path])} for name, path in paths.items()}
    files = {name: _text(name).encode() for name in {*MODULES, *WORKER_MODULES, "opened.js"}}
    files["page.css"] = _text("page.css").encode()
    files["site.json"] = _json({"files": listed}).encode()
    files |= contents
    policy = _policy()
    files["index.html"] = _filled(
        _text("index.html"), policy=policy, title=about.name, data="",
        style='<link rel="stylesheet" href="page.css">',
        script='<script type="module" src="page.js"></script>\n<script src="opened.js"></script>',
    ).encode()  # fmt: skip
    files["offline.js"] = _offline(files).encode()
    files["_headers"] = _headers(policy).encode()
    return files | {f"runtime/{name}": text for name, text in licences().items()}


def one_file(about: Exported, model: Mapping[str, bytes], runtime: Mapping[str, bytes]) -> bytes:
    """The page as one HTML file that also opens by double click."""
    script, style = _joined(MODULES), _text("page.css")
    inside = {name: model[name] for name in (SPACE, CARD, STYLES, PICTURE)}
    inside |= {name: runtime[name] for name in ("runtime.js", "runtime.wasm")}
    inside["painter.js"] = _joined(WORKER_MODULES).encode()
    blocks = [
        f'<script type="text/plain" data-file="{name}">{_base64(content)}</script>'
        for name, content in inside.items()
    ]
    licence = licences()["LICENSE.txt"].decode().replace("--", "- -")
    policy = _policy(
        script=f"{_digest(script)} 'wasm-unsafe-eval' blob:", style=_digest(style),
        connect="'none'", worker="blob:",
    )  # fmt: skip
    return _filled(
        _text("index.html"), policy=policy, title=about.name, style=f"<style>{style}</style>",
        data="\n".join([f"<!-- ONNX Runtime is within.\n{licence}-->", *blocks]),
        script=f'<script type="module">{script}</script>',
    ).encode()  # fmt: skip


def _wanted(name: str, about: Exported) -> bool:
    return not name.startswith("runtime-gpu") or about.picture.resolution >= GPU_PX


def _served(name: str) -> str:
    """Packed files must not look packed: some hosts would have the browser unpack them."""
    return f"onnx{name}.bin" if name.endswith(".wasm") else f"onnx{name}"


def _text(name: str) -> str:
    return (PAGE / name).read_text("utf-8")


def _joined(names: tuple[str, ...]) -> str:
    """Modules as one: no imports, nothing exported."""
    parts = []
    for name in names:
        lines = [line for line in _text(name).splitlines() if not line.startswith("import ")]
        parts.append("\n".join(line.removeprefix("export ") for line in lines))
    return "\n".join(parts)


def _filled(template: str, *, title: str, **parts: str) -> str:
    """The template with its {{places}} filled, in one pass: what is put in is not looked at."""
    values = {"title": html.escape(title), **parts}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], template)


def _policy(**changed: str) -> str:
    rules = _POLICY | {f"{name}-src": value for name, value in changed.items()}
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _digest(text: str) -> str:
    return f"'sha256-{_base64(hashlib.sha256(text.encode()).digest())}'"


def _offline(files: Mapping[str, bytes]) -> str:
    """The service worker, which keeps all but what only a graphics processor needs."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    kept = [name for name in sorted(files) if "gpu" not in name and name != "index.html"]
    text = _text("offline.js").replace("{{version}}", digest.hexdigest()[:16])
    return text.replace("{{files}}", _json(["./", *kept]))


def _headers(policy: str) -> str:
    """For hosts that read a file of this name; others get the policy from the page."""
    lines = [
        f"Content-Security-Policy: {policy}; frame-ancestors 'self'",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
    ]
    return "/*\n" + "".join(f"  {line}\n" for line in lines)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True)
