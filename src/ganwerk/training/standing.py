"""What a checkpoint notes of the training beside its tensors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ganwerk.run.records import Count, Record

Amount = Annotated[float, Field(gt=0)]


class Counters(Record):
    step: Count
    images: Count
    seconds: Annotated[float, Field(ge=0)]
    horizon_images: Amount


class Limit(Record):
    unit: Literal["seconds", "images"]
    end: Amount


class Standing(Record):
    """counters: those of game.state.TrainState; budget: when to stop; settings: as TOML."""

    counters: Counters
    budget: Limit
    settings: str
