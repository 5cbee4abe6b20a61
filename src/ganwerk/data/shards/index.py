"""What a set of shards consists of: index.json, which may come from a stranger."""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ganwerk.data.pictures import fingerprint_of
from ganwerk.data.sampler import STREAM_RECORDS, Windows, permutation
from ganwerk.errors import DataError

INDEX = "index.json"
FORMAT, VERSION = "ganwerk-shards", 1
MOST_PICTURES = 10**9
MOST_SHARD_BYTES = 1 << 30
MOST_INDEX_BYTES = 1 << 26

Digest = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
"""A file beside the index: no path, so that nothing is read or written elsewhere."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Shard(_Part):
    """A file of so many records, one after the other. digest: as data.digests."""

    file: FileName
    pictures: Annotated[int, Field(gt=0, le=MOST_PICTURES)]
    digest: Digest


class Labels(_Part):
    """A file of N class numbers, two bytes each, lowest first, in the order of the pictures."""

    file: FileName
    digest: Digest


class Index(_Part):
    """A record is a picture: channels x resolution x resolution bytes, one plane after the other.

    shuffled: whether record r is picture number order[r] of the source, as `order` has it, so that
    each shard is a sample of the whole; else record r is picture r. fit: how pictures became
    square. health: the report of the pictures before they were written.
    """

    format: Literal["ganwerk-shards"]
    version: int
    resolution: Annotated[int, Field(ge=8, le=1024)]
    channels: Literal[1, 3, 4]
    fit: Literal["crop", "pad"]
    pictures: Annotated[int, Field(ge=1, le=MOST_PICTURES)]
    shuffled: bool
    shards: tuple[Shard, ...] = Field(min_length=1, max_length=1_000_000)
    labels: Labels | None
    class_names: tuple[str, ...] = Field(max_length=65_536)
    health: dict[str, Any]

    @model_validator(mode="after")
    def _consistent(self) -> Index:
        if sum(shard.pictures for shard in self.shards) != self.pictures:
            raise ValueError("the shards together have another number of pictures")
        files = [shard.file for shard in self.shards] + ([self.labels.file] if self.labels else [])
        if len(set(files)) < len(files) or INDEX in files:
            raise ValueError("a file is named twice")
        if max(map(self.size_of, range(len(self.shards)))) > MOST_SHARD_BYTES:
            raise ValueError("a shard of more than 1 GiB")
        if (self.labels is None) != (not self.class_names):
            raise ValueError("labels without names of classes, or names without labels")
        return self

    @property
    def record_bytes(self) -> int:
        return self.channels * self.resolution**2

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        return self.pictures, self.channels, self.resolution, self.resolution

    def size_of(self, shard: int) -> int:
        """Bytes of a shard's file."""
        return self.shards[shard].pictures * self.record_bytes

    @property
    def files(self) -> dict[str, str]:
        """File -> digest, the manifest."""
        named = {shard.file: shard.digest for shard in self.shards}
        return named if self.labels is None else {**named, self.labels.file: self.labels.digest}

    @property
    def fingerprint(self) -> str:
        """Of the content, wherever it lies."""
        order = "shuffled" if self.shuffled else "as is"
        shape = f"{self.pictures} {self.channels} {self.resolution} {order}"
        return fingerprint_of(f"shards {shape} {json.dumps(self.class_names)}", self.files)

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """(shards,) the number of records up to the end of each."""
        return np.cumsum([shard.pictures for shard in self.shards])

    @cached_property
    def record_of(self) -> NDArray[np.int64] | None:
        """(N,) the record of each picture; None where record and picture have the same number."""
        if not self.shuffled:
            return None
        record = np.empty(self.pictures, np.int64)
        record[order(self.pictures)] = np.arange(self.pictures)
        return record

    def windows(self, size: int) -> Windows:
        """Windows of so many shards."""
        records = np.arange(self.pictures) if self.record_of is None else self.record_of
        shard_of = np.searchsorted(self.ends, records, side="right").astype(np.int32)
        return Windows(shard_of, len(self.shards), size)


def order(count: int) -> NDArray[np.int64]:
    """(N,) the picture that each record of a shuffled set is: the same for all sets of N."""
    return permutation(0, STREAM_RECORDS, 0, count)


def parse(content: bytes, where: str) -> Index:
    """The index in these bytes. Raises DataError for any other content."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where} is no index of shards: it is not JSON.",
            "Write shards with: ganwerk data shard PICTURES SHARDS",
        ) from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise DataError(
            f"{where} is no index of shards.",
            "Write shards with: ganwerk data shard PICTURES SHARDS",
        )
    version = values.get("version")
    if isinstance(version, int) and version > VERSION:
        raise DataError(
            f"The shards of {where} were written by a newer ganwerk (format {version}; this one "
            f"reads {VERSION}).",
            "Update: pip install --upgrade ganwerk",
        )
    try:
        return Index.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        reason = re.sub("^Value error, ", "", first["msg"])
        raise DataError(
            f"The index {where} is damaged or not sound{f' at {place}' if place else ''}: "
            f"{reason[0].lower()}{reason[1:]}.",
            "Copy it again from where it was written, or write the shards again.",
        ) from error
