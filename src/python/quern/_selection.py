"""Selections of quern, of what xarray's `sel` and `isel` take."""

from __future__ import annotations

import datetime
import numbers
import operator
import re
from typing import Any, Iterable

from . import _errors, _expression

_YEAR = re.compile(r"[0-9]{4}")


def _index(value: Any) -> str:
    """An index. True and False are none, of which numpy makes masks."""
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        raise _errors.UsageError("a selection has indexes, not True and False: use where() with a condition")
    return str(operator.index(value))


def _by_index(value: Any) -> str:
    if isinstance(value, slice):
        text = ":".join("" if x is None else _index(x) for x in (value.start, value.stop))
        return text if value.step is None else f"{text}:{_index(value.step)}"
    return _index(value)


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
        return text if value.step is None else f"{text}:{_index(value.step)}"
    if isinstance(value, str) and _YEAR.fullmatch(value):
        return f"{_one(value, '01')}:{_one(value, '12')}"
    return _one(_midnight(value))


def _midnight(value: Any) -> Any:
    """A date is a time, and not all of its day, as a text is."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return datetime.datetime.combine(value, datetime.time())
    return value


def _is_scalar(value: Any) -> bool:
    if isinstance(value, slice):
        return False
    if _expression.is_of_cftime(value):
        return True
    return isinstance(value, (numbers.Number, datetime.date)) or getattr(value, "ndim", 1) == 0


def _check_order(values: list[Any]) -> None:
    """Elements come in the order of the file, each once: what asks for another is refused. Texts are dates."""
    scalars = [str(v) if isinstance(v, str) else v for v in values if not isinstance(v, slice)]
    if len({isinstance(v, str) for v in scalars}) > 1:
        raise _errors.UsageError("a selection has values of one kind, texts or others")
    steps = list(zip(scalars, scalars[1:]))
    if not (all(a < b for a, b in steps) or all(a > b for a, b in steps)):
        raise _errors.UsageError("the values of a selection neither rise nor fall, or one is there twice")


def _check_indexes(values: list[Any]) -> None:
    scalars = [operator.index(v) for v in values if not isinstance(v, slice)]
    if any(a >= b or (a < 0) != (b < 0) for a, b in zip(scalars, scalars[1:])):
        raise _errors.UsageError("the indexes of a selection do not rise: elements come in the order of the file")


def slices(by_value: bool, value: Any) -> tuple[str, bool]:
    """The slices of a dimension, and whether they are one element, which drops the dimension.

    A slice, a value, or several of them.
    """
    write = _by_value if by_value else _by_index
    value = _expression.scalar(value)
    if isinstance(value, (str, slice)) or not isinstance(value, Iterable):
        return write(value), _is_scalar(value)
    values = [_expression.scalar(v) for v in value]
    texts = [write(v) for v in values]
    (_check_order if by_value else _check_indexes)(values)
    return "+".join(texts), False
