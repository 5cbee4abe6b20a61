"""Methods, as one writes them on the command line: remedies and changes of the setting.

    plain                           nothing
    r1:weight=0.1                   a remedy with its settings, as in [[remedy]]
    r1:weight=0.1+replay            two remedies
    loss=wasserstein+wgan-gp:weight=0.1+d_steps=5    changes of the setting stand beside remedies
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ganwerk.config import schema
from ganwerk.errors import ConfigError, did_you_mean

PLAIN = "plain"
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Method:
    """remedies: in the order of the text. changes: of the setting, by its fields' names."""

    text: str
    remedies: tuple[Any, ...]
    changes: dict[str, str]

    def applied(self, setting: S) -> S:
        """The setting with the changes. Raises ConfigError for an unknown field or a bad value."""
        known = [field.name for field in fields(setting)]  # type: ignore[arg-type]
        for key in self.changes:
            if key not in known:
                raise ConfigError(
                    f"The method '{self.text}' changes '{key}', which is no setting here.",
                    did_you_mean(key, known),
                )
        values = asdict(setting) | {k: _value(v) for k, v in self.changes.items()}  # type: ignore[call-overload]
        try:
            return TypeAdapter(type(setting)).validate_python(values)
        except ValidationError as error:
            raise _refused(self.text, error) from error


def parse(text: str) -> Method:
    """Read a method. Raises ConfigError with the part that cannot be understood."""
    remedies, changes = [], {}
    for item in text.replace(" ", "").split("+"):
        name, colon, rest = item.partition(":")
        if not colon and "=" in item:
            key, _, value = item.partition("=")
            changes[key] = value
        elif item != PLAIN:
            remedies.append(_remedy(text, name, rest))
    return Method(text, tuple(remedies), changes)


def _remedy(text: str, kind: str, rest: str) -> Any:
    if kind not in schema.REMEDIES:
        raise ConfigError(
            f"There is no remedy '{kind}' (in the method '{text}').",
            did_you_mean(kind, [PLAIN, *schema.REMEDIES]),
        )
    values: dict[str, Any] = {"kind": kind}
    for pair in filter(None, rest.split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(
                f"'{pair}' in the method '{text}' is no setting of '{kind}'.",
                f"Write it as {kind}:name=value,name=value.",
            )
        values[key] = _value(value)
    try:
        return schema.REMEDIES[kind].model_validate(values)
    except ValidationError as error:
        raise _refused(text, error) from error


def _value(text: str) -> Any:
    """A list where the text has slashes."""
    return text.split("/") if "/" in text else text


def _refused(text: str, error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return ConfigError(
        f"The method '{text}' cannot be used: {where}: {first['msg']}.",
        "docs/remedies.md lists the remedies with their settings.",
    )
