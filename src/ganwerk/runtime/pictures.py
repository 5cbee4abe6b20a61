"""Reading the pictures that settings speak of."""

from __future__ import annotations

from pathlib import Path

from ganwerk.config.load import Draft
from ganwerk.data import Pictures, load_pictures
from ganwerk.runtime.events import Preparing, Watcher
from ganwerk.values import MachineFacts


def read_pictures(where: str, draft: Draft, facts: MachineFacts, watch: Watcher) -> Pictures:
    memory_mb = draft.values.get("data.memory_mb") or max(64, (facts.memory_bytes // 4) >> 20)
    root = draft.values.get("data.root")
    return load_pictures(
        where,
        root=Path(root) if root else None,
        resolution=draft.values.get("data.resolution"),
        channels=draft.values.get("data.channels"),
        fit=draft.values.get("data.fit", "crop"),
        memory_budget_bytes=int(memory_mb) << 20,
        progress=lambda progress: watch(Preparing(progress)),
    )
