"""Libraries that only exporting and publishing need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ganwerk.errors import ConfigError

EXTRA = "pip install 'ganwerk[export]'"


def needed(name: str) -> Any:
    """The module. Raises ConfigError, with the extra that brings it, if it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(f"This needs {name}, which is not installed ({error}).", EXTRA) from None
