"""The files of the page: complete, of known origin, and all of them its own."""

from __future__ import annotations

import hashlib
import json
import re

from ganwerk.web.app import STATIC

VENDOR = STATIC / "vendor"
OWN = [p for p in STATIC.rglob("*.js") if VENDOR not in p.parents]
MOST_LINES = 400


def test_what_is_vendored_is_what_was_published():
    pins = json.loads((VENDOR / "vendor.json").read_text("utf-8"))
    known = {name: file["sha256"] for pin in pins for name, file in pin["files"].items()}
    there = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "vendor.json"
    }
    assert there == known
    for pin in pins:
        assert pin["version"] and pin["licence"] and pin["integrity"].startswith("sha512-")
        assert f"{pin['package']}-{pin['version']}/LICENSE.txt" in known


def test_no_file_names_another_origin():
    own = [*OWN, *STATIC.glob("*.html"), *STATIC.glob("*.css")]
    assert len(own) > 8
    for path in own:
        found = re.findall(r"(?:https?:)?//[a-z][a-z0-9.-]+\.[a-z]{2,}", path.read_text("utf-8"))
        assert found == [], path.name


def test_nothing_is_put_into_the_page_as_markup():
    """Names of runs, classes and files are text wherever they are shown."""
    for path in OWN:
        text = path.read_text("utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
                     "dangerouslySetInnerHTML", "eval(", "new Function"):  # fmt: skip
            assert word not in text, f"{path.name}: {word}"


def test_modules_fit_a_screen_or_two():
    for path in OWN:
        assert path.read_text("utf-8").count("\n") <= MOST_LINES, path.name


def test_types_that_browsers_take(client):
    for path, kind in (("main.js", "text/javascript"), ("page.css", "text/css"),
                       ("icon.svg", "image/svg+xml")):  # fmt: skip
        answer = client.get(f"/static/{path}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        again = client.get(f"/static/{path}", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
