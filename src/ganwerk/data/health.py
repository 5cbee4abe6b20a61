"""The health report: what was found in the pictures, and what it means in plain words.

Pure values. They are measured in `measure` and kept as JSON in the cache and in the run directory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from ganwerk.errors import escaped

Severity = Literal["note", "warning", "error"]

NAMED_FILES = 20
"""How many files or groups a report lists by name; the counts are always complete."""

UNEVEN, VERY_UNEVEN = 1.5, 5.0
"""Largest over smallest class: above the first it is mentioned, above the second a warning."""

FEW_IN_CLASS = 32
FEWEST_PICTURES, FEW_PICTURES = 16, 500
MANY_COPIES = 0.1
LONG = 4


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One finding in plain words."""

    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that was skipped, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Everything that was measured.

    found, readable: pictures by file name, and those that could be decoded.
    resolution, channels, fit: how they were decoded for this report.
    widths_px, heights_px: (minimum, median, maximum) before resizing, after EXIF rotation.
    modes, formats: Pillow's names -> how many pictures.
    enlarged: pictures whose short side is smaller than the resolution.
    ignored: suffix -> how many files that are no pictures were passed over.
    unreadable: all files that were skipped.
    duplicates: groups of names with the same decoded content, at most NAMED_FILES groups;
        duplicate_count: pictures that repeat an earlier one, over all groups.
    near_duplicates: the same for pictures that look alike (copies saved again, film frames).
    constant, constant_count: pictures of one single colour.
    class_counts: readable pictures per class, in the order of class_names.
    empty_classes: class folders without one readable picture.
    mirror_accuracy: how often a picture was told from its mirror image, 0.5 is chance; None where
        it was not measured.
    advised_*: what suits these pictures, with the reason.
    elongated: pictures more than LONG times as long as wide, or as wide as high, of which 'crop'
        keeps a small part; several: files with more than one picture, of which the first is used;
        made_here: pictures that ganwerk wrote, and the name of one.
    remarks: how the place was understood (classes, labels, links), and what was passed over.
    skipped: checks that were not made, with the reason.
    """

    where: str
    kind: str
    found: int
    readable: int
    resolution: int
    channels: int
    fit: str
    widths_px: tuple[int, int, int]
    heights_px: tuple[int, int, int]
    advised_resolution: int
    advised_channels: int
    resolution_reason: str
    channels_reason: str
    modes: Mapping[str, int] = field(default_factory=dict)
    formats: Mapping[str, int] = field(default_factory=dict)
    enlarged: int = 0
    ignored: Mapping[str, int] = field(default_factory=dict)
    unreadable: tuple[Unreadable, ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
    duplicate_count: int = 0
    near_duplicates: tuple[tuple[str, ...], ...] = ()
    near_duplicate_count: int = 0
    constant: tuple[str, ...] = ()
    constant_count: int = 0
    class_names: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    empty_classes: tuple[str, ...] = ()
    mirror_safe: bool = False
    mirror_reason: str = ""
    mirror_accuracy: float | None = None
    elongated: int = 0
    several: int = 0
    made_here: int = 0
    made_here_example: str = ""
    remarks: tuple[HealthLine, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def balance(self) -> str:
        """'no classes', 'balanced', 'uneven' or 'very uneven'."""
        if not self.class_counts:
            return "no classes"
        ratio = max(self.class_counts) / max(1, min(self.class_counts))
        return "very uneven" if ratio > VERY_UNEVEN else "uneven" if ratio > UNEVEN else "balanced"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` is the way back."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> HealthReport:
        """The report that `to_dict` wrote. Raises KeyError or TypeError for anything else;
        fields that a later version added to `values` are passed over."""
        known = {name.name for name in fields(cls)}
        kept = {
            key: _tupled(value) if isinstance(value, list) else value
            for key, value in values.items()
            if key in known
        }
        kept["unreadable"] = tuple(
            Unreadable(str(item["name"]), str(item["reason"]))
            for item in values.get("unreadable", ())
        )
        kept["remarks"] = tuple(HealthLine(**item) for item in values.get("remarks", ()))
        return cls(**kept)

    def lines(self) -> list[HealthLine]:
        """The findings, the size of the set first, then what deserves attention."""
        return [
            *self._size_lines(),
            *self.remarks,
            *self._file_lines(),
            *self._odd_lines(),
            *self._copy_lines(),
            *self._class_lines(),
            HealthLine(
                "note",
                f"Mirroring is {'safe' if self.mirror_safe else 'not used'}: {self.mirror_reason}",
            ),
            *(HealthLine("note", f"Not checked: {reason}") for reason in self.skipped),
        ]

    def _size_lines(self) -> list[HealthLine]:
        few = self.readable < FEW_PICTURES
        width, height = self.widths_px, self.heights_px
        lines = [
            HealthLine(
                "warning" if few else "note",
                f"{self.readable:,} pictures can be used"
                + (
                    f"; fewer than {FEW_PICTURES} are easily learnt by heart: add more if you can."
                    if few
                    else "."
                ),
            ),
            HealthLine(
                "note",
                f"Size: {_span(width)} px wide, {_span(height)} px high; {_counts(self.modes)}; "
                f"{_counts(self.formats)}.",
            ),
            HealthLine(
                "note",
                f"Advised resolution {self.advised_resolution} px: {self.resolution_reason} "
                f"Advised channels {self.advised_channels}: {self.channels_reason}",
            ),
        ]
        if self.enlarged:
            lines.append(
                HealthLine(
                    "warning" if self.enlarged * 2 > self.readable else "note",
                    f"{self.enlarged:,} pictures are smaller than {self.resolution} px and were "
                    "enlarged, which makes them soft.",
                )
            )
        return lines

    def _file_lines(self) -> list[HealthLine]:
        lines = []
        if self.unreadable:
            named = "; ".join(f"{bad.name} {bad.reason}" for bad in self.unreadable[:NAMED_FILES])
            more = len(self.unreadable) - NAMED_FILES
            lines.append(
                HealthLine(
                    "warning",
                    f"{len(self.unreadable):,} of {self.found:,} files cannot be read and are "
                    f"skipped: {named}{f'; and {more:,} more' if more > 0 else ''}.",
                )
            )
        if self.ignored:
            lines.append(
                HealthLine(
                    "note",
                    f"{sum(self.ignored.values()):,} files are no pictures that ganwerk reads and "
                    f"were passed over: {_counts(self.ignored)}.",
                )
            )
        if self.constant_count:
            share = self.constant_count / self.readable
            lines.append(
                HealthLine(
                    "error" if share > 0.5 else "warning",
                    f"{self.constant_count:,} pictures are one single colour: "
                    f"{_names(self.constant, self.constant_count)}.",
                )
            )
        return lines

    def _odd_lines(self) -> list[HealthLine]:
        lines = []
        if self.elongated and self.fit == "crop":
            lines.append(
                HealthLine(
                    "warning",
                    f"{self.elongated:,} pictures are more than {LONG} times as long as wide; only "
                    "the square in their middle is used. To keep all of them: --set data.fit=pad",
                )
            )
        if self.several:
            lines.append(
                HealthLine(
                    "note",
                    f"{self.several:,} files hold several pictures (animations, pages): the first "
                    "of each is used.",
                )
            )
        if self.made_here:
            lines.append(
                HealthLine(
                    "warning",
                    f"{self.made_here:,} pictures were made by ganwerk itself, for example "
                    f"{self.made_here_example}. If they are no data, move them away.",
                )
            )
        return lines

    def _copy_lines(self) -> list[HealthLine]:
        lines = []
        for count, groups, what, cure in (
            (
                self.duplicate_count,
                self.duplicates,
                "repeat another one exactly",
                "Each copy is shown more often than the rest, and one of a pair may be held out: "
                "remove them.",
            ),
            (
                self.near_duplicate_count,
                self.near_duplicates,
                "look nearly like another one",
                "They may be copies saved again or frames of one film; the variety is smaller than "
                "the count says.",
            ),
        ):
            if count:
                pair = " = ".join(groups[0][:2]) if groups else ""
                many = count > MANY_COPIES * self.readable
                lines.append(
                    HealthLine(
                        "warning" if many else "note",
                        f"{count:,} pictures {what}, for example {pair}. {cure}",
                    )
                )
        return lines

    def _class_lines(self) -> list[HealthLine]:
        lines = []
        if self.empty_classes:
            lines.append(
                HealthLine(
                    "warning",
                    f"Classes without a readable picture were left out: "
                    f"{_names(self.empty_classes, len(self.empty_classes))}.",
                )
            )
        if not self.class_counts:
            return lines
        low, high = min(self.class_counts), max(self.class_counts)
        rarest = self.class_names[self.class_counts.index(low)]
        text = f"{len(self.class_counts)} classes, {self.balance}: {low:,} to {high:,} pictures"
        if self.balance == "very uneven" or low < FEW_IN_CLASS:
            text += f". '{rarest}' has only {low:,}: a generator will draw it poorly"
        warn = self.balance == "very uneven" or low < FEW_IN_CLASS
        lines.append(HealthLine("warning" if warn else "note", text + "."))
        return lines


def checked_health(values: Any) -> HealthReport:
    """The report that `to_dict` wrote. Raises whatever reading another shape raises: it is tried
    out, so that nothing of the kind comes later."""
    report = HealthReport.from_dict(values)
    report.lines()
    if len(report.class_counts) != len(report.class_names):
        raise ValueError("counts of other classes")
    return report


def _span(values: tuple[int, int, int]) -> str:
    low, middle, high = values
    return f"{low}" if low == high else f"{low} to {high} (median {middle})"


def _counts(values: Mapping[str, int]) -> str:
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count:,}" for name, count in ordered[:8])


def _names(names: tuple[str, ...], count: int) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {count - 5:,} more" if count > 5 else shown


def listed(names: Iterable[str]) -> str:
    """Names of files or folders in order: the first five, and how many more there are."""
    ordered = sorted(names)
    more = f" and {len(ordered) - 5:,} more" if len(ordered) > 5 else ""
    return ", ".join(map(escaped, ordered[:5])) + more


def _plain(value: Any) -> Any:
    """Tuples to lists all the way down, so that what is written equals what is read back."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value
