"""Journals made by hand: what a healthy run looks like, and what is changed in it."""

from __future__ import annotations

from typing import Any

from ganwerk.doctor.course import Course
from ganwerk.doctor.table import kinds
from ganwerk.doctor.verdict import Diagnosis, Doctor

NULL: dict[str, Any] = {
    "event": "null", "images": 100, "n": 384, "distance": [0.4, 0.06], "coverage": [0.97, 0.015],
    "precision": [0.96, 0.011], "recall": [0.97, 0.01], "variety": [1.0, 0.01],
    "spread": [1.0, 0.03], "class_variety": [1.0, 0.03], "agreement": [1.0, 0.02],
    "missing": [0.0, 0.008], "detail": [1.0, 0.01], "saturation": [0.0, 0.004],
    "pattern": [0.0, 0.2],
}  # fmt: skip
LOOK: dict[str, float] = {
    "distance": 1.2, "coverage": 0.85, "precision": 0.93, "recall": 0.5, "variety": 0.95,
    "spread": 0.9, "class_variety": 0.8, "agreement": 1.0, "missing": 0.05, "detail": 1.0,
    "saturation": 0.0, "pattern": 0.1, "tail_ratio": 0.5, "copies": 2, "copies_p": 0.6,
    "copies_visible": 0.06, "raw_distance": 1.3, "same_distance": 1.25, "churn": 0.1,
    "d_right": 0.8, "d_gap": 1.2, "d_size": 1.0, "border": 0.0, "overfit": 0.05,
    "g_update": 0.006, "d_update": 0.003, "g_still": 0.0, "d_still": 0.01, "g_rate_share": 1.0,
    "d_rate_share": 1.0, "waiting": 0.02,
}  # fmt: skip
LOOKS = 20
NOISE = {"coverage": 0.02, "precision": 0.01, "missing": 0.9, "distance": 20.0, "variety": 0.8}


def journal(**changes: Any) -> list[dict[str, Any]]:
    """A finished run of 20 looks. changes: by name a value for all looks, or a list of 20."""
    rows: list[dict[str, Any]] = [{"event": "start", "images": 0}, dict(NULL)]
    for i in range(LOOKS):
        share = (i + 1) / LOOKS
        row = {"event": "look", "images": int(10_000 * share), "progress": share} | LOOK
        row["distance"] = 8 * (1 - share) ** 2 + 1.2
        for name, value in changes.items():
            row[name] = value[i] if isinstance(value, list) else value
        rows.append(row)
    return [*rows, {"event": "end", "images": 10_000, "reason": "finished"}]


def diagnosis(rows: list[dict[str, Any]], **facts: Any) -> Diagnosis:
    doctor = Doctor(Course(total_images=10_000, **({"health": {"readable": 2000}} | facts)))
    for row in rows:
        doctor.add(row)
    return doctor.finish()


def codes(rows: list[dict[str, Any]], **facts: Any) -> list[str]:
    """Of the findings that last."""
    return [finding.code for finding in diagnosis(rows, **facts).lasting]


def said_of(**changes) -> set[str]:
    """Codes of what was found that is of weight 'act' where it stays, whether it lasts or not."""
    found = diagnosis(journal(**changes)).findings
    return {f.code for f in found if kinds()[f.code].weight == "act"}


def treatment(state: str, images: int, **more):
    return {"event": "treatment", "state": state, "number": 1, "images": images} | more
