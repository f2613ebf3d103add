"""Selections of quern, of what xarray's `sel` and `isel` take."""

from __future__ import annotations

import numbers
import re
from typing import Any, Iterable

from . import _expression

_YEAR = re.compile(r"[0-9]{4}")


def _by_index(value: Any) -> str:
    if isinstance(value, slice):
        text = ":".join("" if x is None else str(int(x)) for x in (value.start, value.stop))
        return text if value.step is None else f"{text}:{int(value.step)}"
    return str(int(value))


def _one(value: Any, ends: str = "") -> str:
    """A value of a coordinate. Four digits are an index there, so a year is one of its months."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"{value}-{ends}" if ends and _YEAR.fullmatch(value) else value
    text = _expression.date(value)
    # A plus sign is that of a union.
    return text or repr(float(value)).replace("e+", "e")


def _by_value(value: Any) -> str:
    if isinstance(value, slice):
        text = f"{_one(value.start, '01')}:{_one(value.stop, '12')}"
        return text if value.step is None else f"{text}:{int(value.step)}"
    if isinstance(value, str) and _YEAR.fullmatch(value):
        return f"{_one(value, '01')}:{_one(value, '12')}"
    return _one(value)


def _is_scalar(value: Any) -> bool:
    if isinstance(value, slice):
        return False
    return isinstance(value, numbers.Number) or getattr(value, "ndim", 1) == 0


def slices(by_value: bool, value: Any) -> tuple[str, bool]:
    """The slices of a dimension, and whether they are one element, which drops the dimension.

    A slice, a value, or several of them.
    """
    write = _by_value if by_value else _by_index
    if isinstance(value, (str, slice)) or not isinstance(value, Iterable):
        return write(value), _is_scalar(value)
    if getattr(value, "ndim", 1) == 0:
        return write(value), True
    return "+".join(write(x) for x in value), False
