"""All signs by the names that the table of findings uses."""

from __future__ import annotations

from ganwerk.doctor.signs import drawn, game, given
from ganwerk.doctor.signs.base import See, Sign

__all__ = ["SIGNS", "WITHOUT_LOOKS", "Sign"]

_DRAWN: tuple[See, ...] = (
    drawn.no_variety, drawn.no_class_variety, drawn.kinds_missing, drawn.classes_ignored,
    drawn.poor, drawn.far_from_real, drawn.no_progress,
    drawn.worse_than_before, drawn.worse_or_far, drawn.plateau, drawn.copies, drawn.near_real,
    drawn.checkerboard, drawn.saturated, drawn.blurred, drawn.average_lags,
)  # fmt: skip
_GAME: tuple[See, ...] = (
    game.d_certain, game.d_blind, game.d_shortcut, game.overfit, game.churn, game.oscillation,
    game.exploding, game.large_updates, game.small_updates, game.still_weights, game.rates_gone,
    game.too_short, game.slow_feeding, game.not_finite,
)  # fmt: skip
_GIVEN: tuple[See, ...] = (
    given.many_unreadable, given.few_pictures, given.many_copies, given.constant_border,
    given.empty_content, given.many_enlarged,
)  # fmt: skip
SIGNS: dict[str, See] = {see.__name__: see for see in (*_DRAWN, *_GAME, *_GIVEN)}
WITHOUT_LOOKS = frozenset(see.__name__ for see in (*_GIVEN, game.not_finite, game.too_short))
"""Signs that need no look."""
