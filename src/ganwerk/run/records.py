"""What about.json and data.json have to hold for those who read them: checked before it is used.

Anybody may have edited a run, copied half of it or made it with another version. Each reader asks
for the part that it needs, so that a run whose plan is lost still draws.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from ganwerk.errors import RunError

Count = Annotated[int, Field(ge=0, le=2**48)]
Text = InstanceOf[str]
"""Also what is no UTF-8, as names of files may be, which pydantic's own str refuses."""


class Record(BaseModel):
    """Other keys than the known ones are passed over; numbers are finite."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Learned(Record):
    """`data` of about.json: the pictures that a run learned from.

    where: their place as the settings have it. beside: the same place, seen from the run.
    """

    where: Text = ""
    beside: Text = ""
    fingerprint: str = ""
    class_names: tuple[Text, ...] = ()
    class_counts: tuple[Count, ...] = ()

    @model_validator(mode="after")
    def _each_class_counted(self) -> Learned:
        if self.class_counts:
            if len(self.class_counts) != len(self.class_names):
                raise ValueError("class_counts are not one for each of class_names")
            if not sum(self.class_counts):
                raise ValueError("class_counts are all 0")
        return self


class Choices(Record):
    """`choices` of about.json: what was measured at the start."""

    precision: dict[str, str]
    threads: int
    micro: Count = 0


class Machine(Record):
    """`machine` of about.json: where the run was trained last."""

    device: str
    device_name: str
    torch: str


def checked(kind: Any, value: Any, where: str) -> Any:
    """`value` as `kind`, a type that pydantic knows. Raises RunError; `where` says where it
    stands."""
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"{part}: " for part in first["loc"])
        reason = first["msg"][0].lower() + first["msg"][1:]
        raise RunError(
            f"{where} is not what ganwerk wrote: {place}{reason}.",
            "Copy the file back from a backup; the rest of the run may be intact.",
        ) from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
