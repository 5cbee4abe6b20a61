"""What `make vendor` fetches into .vendor/: the packages of npm that the browser tests need."""

from __future__ import annotations

from pathlib import Path

from ganwerk.publish.webruntime import RUNTIME, Pin, fetched, unpacked

FOLDER = Path(__file__).resolve().parents[2] / ".vendor"
AXE = Pin.read(Path(__file__).with_name("vendor.json"))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for pin in (RUNTIME, AXE):
        if not (FOLDER / pin.archive).is_file():
            fetched(pin, FOLDER)
        files = unpacked(FOLDER / pin.archive, pin)
        print(f"{FOLDER / pin.archive}: {pin.version}, {len(files)} files with the right digests")


if __name__ == "__main__":
    main()
