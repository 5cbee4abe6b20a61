"""The pictures of docs/wrong: what failing trainings draw, beside the real ones and a healthy run.

Example: python -m bench.doctor.figures
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bench.common import add_data_option, parser
from bench.doctor.play import Job, begun, hurry

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
FAMILIES = {
    "variety": [("plain", "emoji", "as advised"), ("deaf", "emoji", "deaf to its input"),
                ("plain", "mnist", "as advised"), ("g-rate-10", "mnist", "G ten times too fast")],
    "balance": [("plain", "fruits", "as advised"),
                ("minimax-strong-d", "fruits", "D far too strong"),
                ("d-rate-100th", "fruits", "D hardly learns"),
                ("no-penalty-200", "mnist", "200 pictures, no penalty")],
    "dynamics": [("plain", "mnist", "as advised"), ("rate-1", "mnist", "rates far too high"),
                 ("wrong-sign", "mnist", "G climbs")],
    "drawn": [("plain", "mnist", "as advised"), ("chessboard", "mnist", "a pattern"),
              ("loud-output", "mnist", "too loud a last layer"), ("blurred", "mnist", "blurred")],
    "settings": [("plain", "mnist", "as advised"), ("rates-100th", "mnist", "rates / 100"),
                 ("schedule-cut", "mnist", "rates gone early"),
                 ("long-average", "mnist", "average too long")],
}  # fmt: skip
"""Case, set, and what was done, in words. What the doctor found stands beside it."""
COLUMNS, ROWS, ENLARGED, MARGIN, TITLE = 6, 5, 3, 12, 22


def main() -> None:
    options = parser(__doc__)
    add_data_option(options)
    options.add_argument("--work", type=Path, default=Path("runs/bench-doctor"), metavar="DIR")
    options.add_argument("--only", nargs="*", default=list(FAMILIES))
    given = options.parse_args()
    sheets: dict[tuple[str, str], tuple[NDArray[np.uint8], str]] = {}
    for family in given.only:
        panels = []
        for case, data, title in FAMILIES[family]:
            if (case, data) not in sheets:
                sheets[case, data] = drawn(Job(case, data, "small", 0), given.data, given.work)
            sheet, said = sheets[case, data]
            panels.append((f"{title}: {said}", sheet))
        path = PICTURES / f"wrong-{family}.webp"
        beside(panels).save(path, quality=80, method=6)
        print(f"wrote {path}", flush=True)


def drawn(job: Job, data: Path, work: Path) -> tuple[NDArray[np.uint8], str]:
    """Pictures (N, H, W, C) of the last state of a run, a class in each column, and what the doctor
    found."""
    hurry()
    folder = work / "figure"
    shutil.rmtree(folder, ignore_errors=True)
    states: list[Any] = []
    ready, _ = begun(job, data, work, folder, states.append)
    from ganwerk.doctor.diagnose import diagnose
    from ganwerk.sampling.sample import Sampler

    facts = ready.pictures
    sampler = Sampler(states[-1].ema.net, ready.settings, facts.class_names,
                      facts.health.class_counts, states[-1].device)  # fmt: skip
    names = sampler.class_names[:COLUMNS]
    found = [finding.code for finding in diagnose(folder).lasting if finding.weight != "note"]
    pictures = sampler.draw(range(COLUMNS * ROWS), names)
    return pictures, " ".join(found[:2]) or "nothing found"


def beside(panels: list[tuple[str, NDArray[np.uint8]]]) -> Image.Image:
    from ganwerk.run import grid

    sheets = [np.repeat(np.repeat(grid(p, COLUMNS, 1), ENLARGED, 0), ENLARGED, 1)
              for _, p in panels]  # fmt: skip
    colours = [np.repeat(s, 3, 2) if s.shape[2] == 1 else s for s in sheets]
    width = sum(s.shape[1] + MARGIN for s in colours) + MARGIN
    height = max(s.shape[0] for s in colours) + TITLE + MARGIN
    page = Image.new("RGB", (width, height), "white")
    left = MARGIN
    for (title, _), sheet in zip(panels, colours, strict=True):
        page.paste(Image.fromarray(sheet), (left, TITLE))
        ImageDraw.Draw(page).text((left, 5), title, fill="black")
        left += sheet.shape[1] + MARGIN
    return page


if __name__ == "__main__":
    main()
