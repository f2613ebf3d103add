"""Expressions of quern, of operators of Python."""

from __future__ import annotations

import datetime
import math
import re
from typing import Any, Callable

# What needs no quotes in an expression, and is no word of its own there.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_WORDS = ("and", "or", "not")

# Parts of a time, by xarray's names (`ds.time.dt.month`, groupby("time.month")).
TIME_PARTS = {
    name: name
    for name in (
        "year", "season", "month", "day", "dayofyear", "dayofweek", "week", "hour", "minute",
        "yearmonth", "seasonyear", "date",
    )
}  # fmt: skip
TIME_PARTS.update({"weekday": "dayofweek", "isocalendar_week": "week"})

# Functions by the names of numpy's.
UFUNCS = {
    "absolute": "abs", "sqrt": "sqrt", "cbrt": "cbrt", "exp": "exp", "log": "log", "log10": "log10",
    "log2": "log2", "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos",
    "arctan": "atan", "arctan2": "atan2", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
    "radians": "radians", "deg2rad": "radians", "degrees": "degrees", "rad2deg": "degrees",
    "floor": "floor", "ceil": "ceil", "rint": "round", "trunc": "trunc", "sign": "sign",
    "hypot": "hypot", "fmod": "fmod", "minimum": "min", "maximum": "max",
}  # fmt: skip

_EITHER = "where(missing({0}), {1}, where(missing({1}), {0}, %s({0}, {1})))"

# Those that know elements without a value, which are NaN to numpy.
UFUNC_TEXTS = {
    "isnan": "missing({0}) || isnan({0})", "isfinite": "!missing({0}) && isfinite({0})",
    "fmin": _EITHER % "min", "fmax": _EITHER % "max",
}  # fmt: skip

# Operators by the names of numpy's, where an array or a number of it is on the left.
UFUNC_OPERATORS = {
    "add": "+", "subtract": "-", "multiply": "*", "true_divide": "/", "divide": "/",
    "floor_divide": "//", "remainder": "%", "power": "**", "less": "<", "less_equal": "<=",
    "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
}  # fmt: skip


def quoted(name: str) -> str:
    """A name as expressions have it."""
    if _PLAIN.fullmatch(name) and name not in _WORDS:
        return name
    if "`" in name:
        raise ValueError(f"{name!r}: expressions have no names with backquotes")
    return f"`{name}`"


def scalar(value: Any) -> Any:
    """The only element of an array without dimensions; anything else as it is."""
    if getattr(value, "ndim", 1) != 0:
        return value
    value = getattr(value, "values", value)  # of xarray's
    return value[()] if hasattr(value, "dtype") else value


def is_of_cftime(value: Any) -> bool:
    """A date of a calendar that datetime does not have."""
    return hasattr(value, "isoformat") and hasattr(value, "calendar")


def date(value: Any) -> str | None:
    """A date or time, or None of anything else."""
    if getattr(value, "tzinfo", None) is not None:
        raise ValueError(f"{value}: times have no zones here, those of files are what they say")
    if isinstance(value, datetime.date) or is_of_cftime(value):
        return value.isoformat()
    if type(value).__name__ == "datetime64":
        time = value.astype("datetime64[ms]")
        if time != value:
            raise ValueError(f"{value}: no time, or one with parts of milliseconds")
        return str(time).removesuffix(".000")
    return None


def number(value: Any) -> str | None:
    """A number, or None of anything else."""
    if hasattr(value, "item") and not hasattr(value, "dims") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, bool):
        return str(int(value))
    if type(value).__name__ == "timedelta64":
        return None
    if not isinstance(value, (int, float)):
        return None
    if not math.isfinite(value):
        raise ValueError(f"{value}: expressions have finite numbers only")
    return repr(value) if value >= 0 else f"({value!r})"


def literal(value: Any) -> str | None:
    """What an expression has for a value of Python; None of what it has nothing for. Texts are dates."""
    if isinstance(value, str):
        return f"'{value}'"
    if not hasattr(value, "dims"):
        value = scalar(value)
    text = date(value)
    return f"'{text}'" if text else number(value)


class Operators:
    """Operators and functions of numpy for something that `_combine` makes expressions of.

    `_combine(make, *operands)` is the expression that `make` writes of the texts of the operands,
    which have parentheses where they need them.
    """

    def _combine(self, make: Callable[..., str], *operands: Any) -> Any:
        raise NotImplementedError

    def _binary(self, operator: str, other: Any, swapped: bool = False) -> Any:
        pair = (other, self) if swapped else (self, other)
        return self._combine(lambda a, b: f"{a} {operator} {b}", *pair)

    def _unary(self, operator: str) -> Any:
        return self._combine(lambda a: f"{operator}{a}", self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        name = ufunc.__name__
        if method != "__call__" or kwargs:
            return NotImplemented
        if name in UFUNC_OPERATORS:
            return self._combine(lambda a, b: f"{a} {UFUNC_OPERATORS[name]} {b}", *inputs)
        if name in UFUNC_TEXTS:
            return self._combine(UFUNC_TEXTS[name].format, *inputs)
        if name in UFUNCS:
            return self._combine(lambda *x: f"{UFUNCS[name]}({', '.join(x)})", *inputs)
        return NotImplemented

    def __add__(self, other: Any) -> Any:
        return self._binary("+", other)

    def __radd__(self, other: Any) -> Any:
        return self._binary("+", other, True)

    def __sub__(self, other: Any) -> Any:
        return self._binary("-", other)

    def __rsub__(self, other: Any) -> Any:
        return self._binary("-", other, True)

    def __mul__(self, other: Any) -> Any:
        return self._binary("*", other)

    def __rmul__(self, other: Any) -> Any:
        return self._binary("*", other, True)

    def __truediv__(self, other: Any) -> Any:
        return self._binary("/", other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._binary("/", other, True)

    def __floordiv__(self, other: Any) -> Any:
        return self._binary("//", other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._binary("//", other, True)

    def __mod__(self, other: Any) -> Any:
        return self._binary("%", other)

    def __rmod__(self, other: Any) -> Any:
        return self._binary("%", other, True)

    def __pow__(self, other: Any) -> Any:
        return self._binary("**", other)

    def __rpow__(self, other: Any) -> Any:
        return self._binary("**", other, True)

    def __lt__(self, other: Any) -> Any:
        return self._binary("<", other)

    def __le__(self, other: Any) -> Any:
        return self._binary("<=", other)

    def __gt__(self, other: Any) -> Any:
        return self._binary(">", other)

    def __ge__(self, other: Any) -> Any:
        return self._binary(">=", other)

    def _compared(self, operator: str, other: Any) -> Any:
        """Python would take objects for unequal where no side knows better."""
        made = self._binary(operator, other)
        if made is NotImplemented:
            raise TypeError(f"an expression is not compared with a {type(other).__name__}")
        return made

    def __eq__(self, other: Any) -> Any:
        return self._compared("==", other)

    def __ne__(self, other: Any) -> Any:
        return self._compared("!=", other)

    __hash__ = None  # type: ignore[assignment]

    def __and__(self, other: Any) -> Any:
        return self._binary("&&", other)

    def __rand__(self, other: Any) -> Any:
        return self._binary("&&", other, True)

    def __or__(self, other: Any) -> Any:
        return self._binary("||", other)

    def __ror__(self, other: Any) -> Any:
        return self._binary("||", other, True)

    def __invert__(self) -> Any:
        return self._unary("!")

    def __neg__(self) -> Any:
        return self._unary("-")

    def __abs__(self) -> Any:
        return self._combine(lambda a: f"abs({a})", self)

    def __bool__(self) -> bool:
        raise TypeError("an expression has no truth value: use &, | and ~ with parentheses")
