"""What the doctor can say: kinds of findings, findings of a run, treatments. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ganwerk.errors import typed

Weight = Literal["act", "watch", "note"]
"""act: the run fails unless something is changed. watch: it may. note: worth knowing."""

HEAVY: dict[str, int] = {"act": 0, "watch": 1, "note": 2}
"""The heaviest first."""

WINDOW_SHARE = 0.15
"""Of the run: how long a treatment is tried."""

Direction = Literal["higher", "lower"]
Value = int | float | str | bool


@dataclass(frozen=True, slots=True)
class Times:
    """A value of a treatment that is the present one times a factor."""

    factor: float


Change = Value | Times | Mapping[str, Value | Times] | None


@dataclass(frozen=True, slots=True)
class Treatment:
    """One change to a run, kept only if it helped.

    name: short, unique within its finding. words: what it does, in plain words.
    change: settings by their dotted keys to new values, `Times` being a factor on the present one;
        'remedy.NAME' to the settings of a remedy, which is added, or changed where the run has it,
        or to None, which takes it away; a factor on what the run lacks is one on what would be
        advised for it.
    back: begin at the last checkpoint before the harm instead of where the run stands.
    anew: begin again with new weights and the recipe that is advised for these pictures; what the
        run has learned is there again if that did not help.
    window_share: share of the run's images after which `signal` is measured again.
    signal: a name in the journal's rows 'look'; better: which direction is an improvement.
    """

    name: str
    words: str
    change: Mapping[str, Change] = field(default_factory=dict)
    back: bool = False
    anew: bool = False
    window_share: float = WINDOW_SHARE
    signal: str = "coverage"
    better: Direction = "higher"

    def window_images(self, total_images: int) -> int:
        """Images after which it is judged, of a run of so many."""
        return max(1, round(self.window_share * total_images))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding, as the table has it.

    code: 'GW203'. name: in a few words. means, looks_like, why, helps: what a person reads. page:
    its page under docs. sample, dynamics: signs that must hold, all in the pictures and one of
    those in the game. looks: (m, n), in how many of how many fresh looks. lab: a command that shows
    it in the laboratory, '' where it has no place there. treatments: in the order in which they are
    tried; none where only the user can help. hides: codes of what follows from it and is not said
    beside it. passes: whether it may pass by itself in the course of a run: then it is of weight
    'watch' until it has stood for long, and of `weight` from there on.
    """

    code: str
    name: str
    weight: Weight
    means: str
    looks_like: str
    why: str
    helps: str
    page: str
    sample: tuple[str, ...]
    dynamics: tuple[str, ...]
    looks: tuple[int, int]
    lab: str = ""
    treatments: tuple[Treatment, ...] = ()
    hides: tuple[str, ...] = ()
    passes: bool = False

    def helps_with(self, run: object) -> str:
        """`helps`, with the folder of this run in its commands, and how a treatment is tried."""
        found = self.helps.replace("RUN", typed(run))
        return f"{found} {self.tried_by(run)}" if self.treatments else found

    def tried_by(self, run: object) -> str:
        """The command that tries the next treatment in this run, in a sentence."""
        return (
            f"`ganwerk resume {typed(run)} --treat {typed(self.code)}` tries a treatment and keeps "
            "it only if it helps; a finished run must be prolonged by a quarter or more, for "
            "example with `--minutes 10`."
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in a run.

    weight: of this finding. since_images: where it began; until_images: where it ended, None while
    it lasts. text: what was measured, in plain words, with numbers and doubt. sureness: from 0 to
    1, how far the evidence lies beyond what healthy pictures show. evidence: the numbers. against:
    what it is not, and why.
    """

    code: str
    name: str
    weight: Weight
    text: str
    since_images: int
    until_images: int | None = None
    sureness: float = 1.0
    evidence: Mapping[str, Any] = field(default_factory=dict)
    against: tuple[str, ...] = ()

    @property
    def measured(self) -> str:
        """What was measured, in words."""
        return "; ".join(str(words) for words in self.evidence.values())

    @property
    def lasts(self) -> bool:
        return self.until_images is None
