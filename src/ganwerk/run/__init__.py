"""Files: the run directory, its lock, checkpoints, journal and pictures."""

from ganwerk.run.checkpoint import Checkpoint, Skipped, Weights
from ganwerk.run.directory import FORMAT_VERSION, Run
from ganwerk.run.index import CheckpointInfo
from ganwerk.run.journal import EVENTS, Journal
from ganwerk.run.pictures import (
    Pixels,
    encode_picture,
    grid,
    make_folder,
    refuse_existing,
    to_uint8,
    write_picture,
)
from ganwerk.run.treatments import Ledger, Trial

__all__ = [
    "EVENTS",
    "FORMAT_VERSION",
    "Checkpoint",
    "CheckpointInfo",
    "Journal",
    "Ledger",
    "Pixels",
    "Run",
    "Skipped",
    "Trial",
    "Weights",
    "encode_picture",
    "grid",
    "make_folder",
    "refuse_existing",
    "to_uint8",
    "write_picture",
]
