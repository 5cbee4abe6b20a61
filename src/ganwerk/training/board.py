"""Optional logging for TensorBoard, from the same numbers as the journal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Board:
    """Writes to `folder`; without one, nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._writer: Any = None
        if folder is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder))

    def scalars(self, measured: Mapping[str, float], images: int) -> None:
        if self._writer is not None:
            for name, value in measured.items():
                self._writer.add_scalar(name, value, images)

    def picture(self, path: Path, images: int) -> None:
        if self._writer is not None:
            import numpy as np
            from PIL import Image

            with Image.open(path) as picture:
                pixels = np.asarray(picture.convert("RGB"))
            self._writer.add_image("fixed seeds", pixels, images, dataformats="HWC")

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
