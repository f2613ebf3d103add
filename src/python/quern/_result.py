"""Results as numpy arrays with names."""

from __future__ import annotations

import ctypes
import re
from ctypes import byref, c_bool, c_double, c_int64, c_uint64
from typing import TYPE_CHECKING, Any, Iterator

from . import _library
from ._library import DECIMAL, DOUBLE, INT64, NONE, TEXT, UINT64

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from ._run import Run

lib = _library.lib

# Values of a field that are shown.
_MOST_SHOWN = 12

# How numbers are read: the function, the type of C, the type of numpy.
_NUMBERS = {
    INT64: (lib.quern_result_read_int64, c_int64, "int64"),
    UINT64: (lib.quern_result_read_uint64, c_uint64, "uint64"),
    DOUBLE: (lib.quern_result_read_double, c_double, "float64"),
}

# Calendars whose dates are those of datetime64, and the milliseconds from 1970 that it has in nanoseconds.
_OF_DATETIME64 = ("", "standard", "gregorian", "proleptic_gregorian")
_MOST_MS = (2**63 - 1) // 10**6

# A date as the library writes it: year, month, day, hour, minute, second, part of a second.
_DATE = re.compile(r"(-?\d+)-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?")

# Fields of indexes, which have coordinates beside them: argmin_time.
_OF_INDEXES = ("argmin", "argmax", "longest_start", "values")


class Result:
    """What a run found: fields by their names, with the dimensions that were kept.

    `result["mean"]` and `result.mean` are a numpy array, or a number where all dimensions were reduced.
    Floating-point fields have NaN where there is no value; integers and texts are masked there, if there
    is such a place. Sums of integers beyond 64 bits are arrays of Python's integers. Fields are copied
    from the library when they are first asked for.

    Attributes
    ----------
    dims : tuple of str
        The kept dimensions: groups first, then those of the dataset in their order.
    shape : tuple of int
        Their lengths.
    """

    def __init__(self, run: Run, i: int) -> None:
        self._run = run  # it owns what is read here
        self._i = i
        self._found = lib.quern_run_result_of(run.handle, i)
        self._fields = {f.name.decode(): f for f in _library.fields(self._found)}
        self._axes = _library.axes(self._found)
        self.dims: tuple[str, ...] = tuple(a.name.decode() for a in self._axes)
        self.shape: tuple[int, ...] = tuple(a.extent for a in self._axes)
        self._read: dict[str, Any] = {}

    # --- documents ---

    @property
    def document(self) -> dict[str, Any]:
        """All of the JSON document (quern-json(5)), with the documents of the other datasets of the run."""
        return self._run.document()

    def _of_this(self, part: Any) -> Any:
        """Of a part of a document that is of several datasets what is of this one."""
        names = self._run.document(True)["datasets"]
        return part if names is None or part is None else part[names[self._i]]

    @property
    def input(self) -> dict[str, Any]:
        """What the run was over: files, dataset, dtype, units, selection, options."""
        return self._of_this(self._run.document(True)["input"])

    @property
    def kernel(self) -> str:
        """The kernel, or several with commas between them."""
        return self._run.document(True)["kernel"]

    # --- fields ---

    def keys(self) -> list[str]:
        """The names of the fields."""
        return list(self._fields)

    def items(self) -> list[tuple[str, Any]]:
        """The fields by their names."""
        return [(name, self[name]) for name in self._fields]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __getitem__(self, name: str) -> Any:
        if name not in self._read:
            if name not in self._fields:
                raise KeyError(f"no field {name!r}: there are {', '.join(self._fields) or 'none'}")
            self._read[name] = self._values(self._fields[name])
        return self._read[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._fields:
            raise AttributeError(f"no field {name!r}")
        return self[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._fields]

    def dims_of(self, name: str) -> tuple[str, ...]:
        """The dimensions of a field: those of the result, and of what a cell has several of its own."""
        f = self._fields[name]
        return tuple((f.dim[i] or f"{name}_{i}".encode()).decode() for i in range(f.ndims))

    @property
    def units(self) -> dict[str, str]:
        """The units of the fields that have such, by their names."""
        return {name: f.units.decode() for name, f in self._fields.items() if f.units}

    @property
    def coords(self) -> dict[str, Any]:
        """The coordinates of the dimensions, by their names, where there are such.

        Times are datetime64 where they are dates of its calendar, else cftime's, or texts where that is not
        installed. Of pairs of groups each key
        has its own along the one dimension.
        """
        coords = {
            axis.name.decode(): self._coordinates(i, axis)
            for i, axis in enumerate(self._axes)
            if axis.type != NONE
        }
        if any(axis.is_groups and axis.type == NONE for axis in self._axes):
            keys = self._of_this(self.document["result"])["coords"]
            coords.update({k: _texts_or_numbers(v) for k, v in keys.items() if v is not None})
        return coords

    @property
    def value(self) -> Any:
        """The field, where there is but one, beside its coordinates."""
        names = [n for n in self._fields if self.dims_of(n) != (n,) and not self._is_beside(n)]
        if len(names) != 1:
            raise ValueError(f"the result has several fields: {', '.join(names) or 'none'}")
        return self[names[0]]

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        import numpy as np

        return np.asarray(self.value, dtype=dtype)

    def __float__(self) -> float:
        return float(self._single())

    def __int__(self) -> int:
        return int(self._single())

    def _single(self) -> Any:
        """The only number; of one quantile it is an array of one."""
        value = self.value
        return value.item() if getattr(value, "size", 0) == 1 else value

    def _is_beside(self, name: str) -> bool:
        return any(name.startswith(f"{of}_") and of in self._fields for of in _OF_INDEXES)

    # --- reading ---

    def _values(self, f: _library.Field) -> Any:
        """A field: numbers are one of Python, so that a small run does not need numpy."""
        if " since " in (f.units or b"").decode() and self._is_beside(f.name.decode()):
            return _times(self._texts(f)[0], (f.calendar or b"").decode().lower())[()]
        if f.ndims == 0:
            return self._scalar(f)
        if f.type in _NUMBERS:
            return self._numbers(f)
        import numpy as np

        if f.type == NONE:
            return np.full(_shape(f), np.nan)
        texts, is_none = self._texts(f)
        if f.type == DECIMAL:
            texts = np.array([int(t or 0) for t in texts.ravel()], object).reshape(texts.shape)
        return np.ma.masked_array(texts, is_none) if is_none.any() else texts

    def _scalar(self, f: _library.Field) -> Any:
        if f.type in _NUMBERS:
            read, kind, _ = _NUMBERS[f.type]
            value, is_none = kind(), c_bool()
            read(self._found, f.name, 0, 1, byref(value), byref(is_none))
            return float("nan") if is_none.value else value.value
        text = self._text(f, 0)
        if text is None:
            return float("nan")
        return int(text) if f.type == DECIMAL else text

    def _numbers(self, f: _library.Field) -> np.ndarray:
        import numpy as np

        read, _, dtype = _NUMBERS[f.type]
        values, is_none = np.empty(_shape(f), dtype), np.empty(_shape(f), bool)
        read(self._found, f.name, 0, values.size, _address(values), _address(is_none))
        # Doubles that are none are NaN.
        return np.ma.masked_array(values, is_none) if f.type != DOUBLE and is_none.any() else values

    def _text(self, f: _library.Field, i: int) -> str | None:
        """Value i as a text, of any length."""
        n = 64
        while True:
            room = ctypes.create_string_buffer(n)
            if not lib.quern_result_read_text(self._found, f.name, i, room, n):
                return None
            if len(room.value) < n - 1:
                return room.value.decode()
            n *= 4

    def _texts(self, f: _library.Field) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        texts = [self._text(f, i) for i in range(f.nvalues)]
        is_none = np.array([t is None for t in texts]).reshape(_shape(f))
        return np.array([t or "" for t in texts], dtype=str).reshape(_shape(f)), is_none

    def _coordinates(self, i: int, axis: _library.Axis) -> np.ndarray:
        import numpy as np

        if axis.has_dates or axis.type in (TEXT, DECIMAL):
            calendar = (axis.calendar or b"").decode().lower()
            room = ctypes.create_string_buffer(1024)
            texts = []
            for k in range(axis.extent):
                lib.quern_result_coordinate_text(self._found, i, k, room, len(room))
                texts.append(room.value.decode())
            return _times(np.array(texts, dtype=str), calendar) if axis.has_dates else np.array(texts)
        whole = axis.type in (INT64, UINT64)
        values = np.empty(axis.extent, "int64" if whole else "float64")
        read = lib.quern_result_coordinates_int64 if whole else lib.quern_result_coordinates
        read(self._found, i, _address(values))
        return values

    # --- elsewhere ---

    def to_xarray(self) -> xr.Dataset:
        """The fields as a Dataset of xarray, with coordinates and units."""
        import xarray as xr

        inner = [name for name in self._fields if self.dims_of(name) == (name,)]
        units = self.units
        fields = {
            name: (
                self.dims_of(name),
                _unmasked(array),
                _attributes(units=None if _are_times(array) else units.get(name)),
            )
            for name, array in self.items()
            if name not in inner
        }
        axis_units = {a.name.decode(): (a.units or b"").decode() for a in self._axes}
        coords: dict[str, Any] = {}
        for name, values in self.coords.items():
            told = None if _are_times(values) else axis_units.get(name)
            coords[name] = ((name if name in self.dims else "group",), values, _attributes(units=told))
        coords.update({name: ((name,), self[name]) for name in inner})
        told = self.input
        return xr.Dataset(
            fields, coords, _attributes(kernel=self.kernel, dataset=told["dataset"])
        )

    def _lines(self) -> list[tuple[str, str, str]]:
        lines = []
        for name, array in self.items():
            dims = ", ".join(self.dims_of(name))
            lines.append((name, f"({dims})" if dims else "", _short(array)))
        return lines

    def _title(self) -> str:
        of = self.input.get("dataset") or self.input.get("expr") or ""
        units = self.input.get("units")
        extents = ", ".join(f"{d}: {n}" for d, n in zip(self.dims, self.shape))
        return f"{self.kernel} of {of}" + (f" [{units}]" if units else "") + (
            f" ({extents})" if extents else ""
        )

    def __repr__(self) -> str:
        lines = self._lines()
        wide = max((len(name) for name, _, _ in lines), default=0)
        return "\n".join(
            [f"<quern.Result {self._title()}>"]
            + [f"  {name:{wide}} {dims + ' ' if dims else ''}{text}" for name, dims, text in lines]
        )

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th><td>{escape(dims)}</td>"
            f"<td style='text-align:left'><code>{escape(text)}</code></td></tr>"
            for name, dims, text in self._lines()
        )
        return f"<table><caption>{escape(self._title())}</caption>{rows}</table>"


class Results(dict):
    """Results of several datasets, by their names."""

    @property
    def document(self) -> dict[str, Any]:
        """All of the JSON document."""
        return next(iter(self.values())).document

    def to_xarray(self) -> xr.Dataset:
        """All of them in one Dataset: variables DATASET_FIELD."""
        import xarray as xr

        each = {name: found.to_xarray() for name, found in self.items()}
        return xr.merge(
            [ds.rename({n: f"{name}_{n}" for n in ds.data_vars}) for name, ds in each.items()],
            compat="no_conflicts",
            join="outer",
            combine_attrs="drop",
        )

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {found!r}" for name, found in self.items())

    def _repr_html_(self) -> str:
        return "".join(found._repr_html_() for found in self.values())


def of_run(run: Run) -> Result | Results:
    """What a run that has succeeded found."""
    n = lib.quern_run_ndatasets(run.handle)
    if n == 1:
        return Result(run, 0)
    return Results(
        (lib.quern_run_dataset(run.handle, i).decode(), Result(run, i)) for i in range(n)
    )


def _shape(f: _library.Field) -> tuple[int, ...]:
    return tuple(f.extent[: f.ndims])


def _address(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _are_times(values: Any) -> bool:
    """Of datetime64 or cftime, whose units xarray keeps itself."""
    kind = values.dtype.kind if hasattr(values, "dtype") else ""
    return kind == "M" or (kind == "O" and any(hasattr(t, "calendar") for t in values.flat))


def _times(texts: np.ndarray, calendar: str = "") -> np.ndarray:
    """Dates as times: datetime64, or cftime's of another calendar and of years that nanoseconds do not reach.

    They stay texts where that is not installed, and where one is no date.
    """
    try:
        times = texts.astype("datetime64[ms]") if calendar in _OF_DATETIME64 else None
    except ValueError:
        return texts
    # The least integer, NaT, is its own absolute value.
    if times is None or (abs(times.astype("int64")) > _MOST_MS).any():
        return _times_of_cftime(texts, calendar) if calendar else texts
    return times.astype("datetime64[ns]")


def _times_of_cftime(texts: np.ndarray, calendar: str) -> np.ndarray:
    """Objects of cftime, None of an empty text; the texts where it is not installed."""
    import numpy as np

    try:
        import cftime
    except ImportError:
        return texts
    times = np.full(texts.shape, None, object)
    for i, text in np.ndenumerate(texts):
        numbers = _DATE.fullmatch(text)
        if numbers:
            whole = [int(n or 0) for n in numbers.groups()[:6]]
            part = (numbers[7] or "").ljust(6, "0")[:6]
            times[i] = cftime.datetime(*whole, int(part), calendar=calendar)
        elif text:
            return texts
    return times


def _texts_or_numbers(values: list[Any]) -> np.ndarray:
    import numpy as np

    array = np.array(values)
    looks_like_dates = array.dtype.kind == "U" and all(t[:4].isdigit() and t[4:5] == "-" for t in array)
    return _times(array) if looks_like_dates else array


def _unmasked(array: Any) -> Any:
    """What xarray takes: it has no masks, and integers become floats for NaN."""
    import numpy as np

    if not isinstance(array, np.ma.MaskedArray):
        return array
    return array.astype(object if array.dtype.kind == "U" else float).filled(
        None if array.dtype.kind == "U" else np.nan
    )


def _attributes(**attributes: str | None) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if value}


def _short(array: Any) -> str:
    if not hasattr(array, "ndim"):
        return str(array)
    import numpy as np

    flat = np.ma.asarray(array).ravel()
    return np.array2string(flat, threshold=_MOST_SHOWN, edgeitems=3, max_line_width=1000)
