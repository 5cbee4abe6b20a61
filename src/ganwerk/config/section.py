"""What all tables of a settings file have in common. Torch-free."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

MOST = 10**9
"""Of whatever is counted: the memory ends long before."""


class Section(BaseModel):
    """A table of the settings file. Unknown keys are errors; values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
