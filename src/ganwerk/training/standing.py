"""What a checkpoint notes of the training beside its tensors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError

from ganwerk.errors import CheckpointError
from ganwerk.run import Checkpoint
from ganwerk.run.records import Count, Record

Amount = Annotated[float, Field(gt=0)]


class Counters(Record):
    step: Count
    images: Count
    seconds: Annotated[float, Field(ge=0)]
    horizon_images: Amount
    born_images: Count = 0


class Limit(Record):
    unit: Literal["seconds", "images"]
    end: Amount


class Standing(Record):
    """counters: those of game.state.TrainState; budget: when to stop; settings: as TOML."""

    counters: Counters
    budget: Limit
    settings: str


def standing_of(checkpoint: Checkpoint) -> Standing:
    """What was noted of the training. Raises CheckpointError."""
    try:
        return Standing.model_validate(checkpoint.meta)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise CheckpointError(
            f"The checkpoint {checkpoint.path} does not say how the training stood ({place}).",
            "It draws, but cannot be trained: take the run from a copy.",
        ) from error
