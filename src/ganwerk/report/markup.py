"""HTML that cannot forget to escape: whatever is not `Html` already is text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ganwerk.errors import printable

_VOID = frozenset({"img", "input", "meta", "link", "line", "path", "rect"})


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object) -> Html:
    """`value` as HTML: printable and escaped, unless it is HTML."""
    return value if isinstance(value, Html) else Html(escape(printable(str(value)), quote=True))


def el(name: str, /, *children: object, **attributes: object) -> Html:
    """An element. `class_` is class, `data_x` is data-x; None and False leave an attribute out.

    >>> el("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    opened = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{text(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{opened}/>")
    return Html(f"<{name}{opened}>{joined(children)}</{name}>")


def joined(parts: Iterable[object], between: str = "") -> Html:
    """The parts one after the other."""
    return Html(between.join(text(part) for part in parts))
