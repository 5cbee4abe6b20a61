"""`make vendor`: the packages of npm, checked. Those that tests in a browser need go to .vendor/;
the few files of the local page lie in src/ and are written anew."""

from __future__ import annotations

import json
from pathlib import Path

from ganwerk.publish.webruntime import RUNTIME, Pin, fetched, unpacked

FOLDER = Path(__file__).resolve().parents[2] / ".vendor"
AXE = Pin.read(Path(__file__).with_name("vendor.json"))
PAGE = FOLDER.parent / "src" / "ganwerk" / "web" / "static" / "vendor"


def page_pins() -> list[Pin]:
    """The libraries of the local page."""
    known = json.loads((PAGE / "vendor.json").read_text("utf-8"))
    return [Pin(one["package"], one["version"], one["integrity"], one["files"]) for one in known]


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for pin in (RUNTIME, AXE):
        if not (FOLDER / pin.archive).is_file():
            fetched(pin, FOLDER)
        files = unpacked(FOLDER / pin.archive, pin)
        print(f"{FOLDER / pin.archive}: {pin.version}, {len(files)} files with the right digests")
    for pin in page_pins():
        if not (FOLDER / pin.archive).is_file():
            fetched(pin, FOLDER)
        for name, content in unpacked(FOLDER / pin.archive, pin).items():
            (PAGE / name).parent.mkdir(exist_ok=True)
            (PAGE / name).write_bytes(content)
        print(f"{PAGE}: {pin.package} {pin.version}")


if __name__ == "__main__":
    main()
