"""Methods, as one writes them on the command line: remedies and changes of the setting.

plain                           nothing
unrolled:steps=5                a remedy with its settings, as after --remedy
r1:weight=0.1+replay            two remedies
loss=wasserstein+wgan-gp:weight=1+d_steps=5     changes of the setting, beside remedies
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ganwerk.config import remedies
from ganwerk.errors import ConfigError, did_you_mean
from ganwerk.lab.setting import FIXED, GameSetting

PLAIN = "plain"
S = TypeVar("S", bound=GameSetting)


@dataclass(frozen=True, slots=True)
class Method:
    """remedies: in the order of the text. changes: of the setting, by its fields' names."""

    text: str
    remedies: tuple[Any, ...]
    changes: dict[str, str]

    def applied(self, setting: S) -> S:
        """The setting with the changes. Raises ConfigError for an unknown field or a bad value."""
        known = [field.name for field in fields(setting) if field.name not in FIXED]
        for key in self.changes:
            if key not in known:
                raise ConfigError(
                    f"The method '{self.text}' changes '{key}', which is no setting here.",
                    did_you_mean(key, known),
                )
        try:
            return TypeAdapter(type(setting)).validate_python(asdict(setting) | self.changes)
        except ValidationError as error:
            raise _refused(self.text, error, f"Settings here: {', '.join(known)}.") from error


def title(text: str) -> str:
    """A method in the words of tables and figures.

    >>> title("loss=wasserstein+wgan-gp:weight=1,every=2+d_steps=5")
    'wasserstein + wgan-gp weight 1 every 2 + d_steps 5'
    """
    words = text.replace(" ", "").replace("loss=", "")
    return words.translate({ord(":"): " ", ord("="): " ", ord(","): " ", ord("+"): " + "})


def parse(text: str) -> Method:
    """Read a method. Raises ConfigError with the part that cannot be understood."""
    found, changes = [], {}
    for item in _items(text):
        name, equals, value = item.partition("=")
        if equals and ":" not in name:
            changes[name] = value
        elif item != PLAIN:
            found.append(_remedy(text, item))
    return Method(text, tuple(found), changes)


def _items(text: str) -> list[str]:
    """The parts between the plus signs; one that only goes on with a list stays with it."""
    items: list[str] = []
    for part in text.replace(" ", "").split("+"):
        known = part == PLAIN or part in remedies.REMEDIES
        if items and not known and not {":", "="} & set(part) and _ends_in_list(items[-1]):
            items[-1] += f"+{part}"
        else:
            items.append(part)
    return items


def _ends_in_list(item: str) -> bool:
    name, _, rest = item.partition(":")
    key = rest.rpartition(",")[2].partition("=")[0]
    known = remedies.REMEDIES[name].model_fields if name in remedies.REMEDIES else {}
    return key in known and isinstance(known[key].default, tuple)


def _remedy(text: str, item: str) -> Any:
    kind, given = remedies.parse(item)
    try:
        return remedies.REMEDIES[kind].model_validate({"kind": kind} | given)
    except ValidationError as error:
        hint = "`ganwerk config remedies` lists the remedies with their settings."
        raise _refused(text, error, hint) from error


def _refused(text: str, error: ValidationError, hint: str) -> ConfigError:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return ConfigError(f"The method '{text}' cannot be used: {where}: {first['msg']}.", hint)
