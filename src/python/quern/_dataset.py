"""Files as lazy datasets, with the methods of xarray: each reduction is one run."""

from __future__ import annotations

import os
import re
import zlib
from dataclasses import dataclass, field, replace
from typing import Any, Iterable, Iterator, Mapping

from . import _errors, _expression, _run, _selection, _tasks
from ._expression import Operators
from ._reductions import Dims, Reductions
from ._result import Result, Results

# Periods of `resample` that are no stretches of hours and days.
_PERIODS = {"M": "yearmonth", "MS": "yearmonth", "ME": "yearmonth"}
_PERIODS.update({"Y": "year", "YS": "year", "YE": "year", "A": "year", "AS": "year"})

# The units of the others: pandas tells some by upper and lower case.
_UNITS = {"D": "d", "d": "d", "H": "h", "h": "h", "min": "min", "T": "min", "S": "s", "s": "s"}
_STRETCH = re.compile(r"([0-9]*)([A-Za-z]+)")

# What one file is stacked along where each element is a cell of its own: of length 1, and reduced.
_ALONE = "file"

@dataclass(frozen=True)
class _Asked:
    """What a run is asked for besides its kernel and what it is over."""

    select: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()  # dimensions of which one element is selected
    where: tuple[str, ...] = ()
    weights: str | None = None
    by: tuple[str, ...] = ()
    by_dims: tuple[str, ...] = ()
    rolling: str | None = None
    operands: Mapping[str, str] = field(default_factory=dict)  # NAME: PATH@FILE
    options: Mapping[str, Any] = field(default_factory=dict)

    def with_select(self, by_value: bool, chosen: Mapping[str, Any]) -> _Asked:
        """The same of a part."""
        select, dropped = dict(self.select), list(self.dropped)
        for dim, value in chosen.items():
            if dim in select:
                raise _errors.UsageError(f"{dim} has been selected from already")
            select[dim], one = _selection.slices(by_value, value)
            if one:
                dropped.append(dim)
        return replace(self, select=select, dropped=tuple(dropped))

    def of_whole(self) -> tuple[Any, ...]:
        """What can only be meant of a whole expression."""
        return self.weights, self.by, self.rolling

    def joined(self, other: _Asked) -> _Asked:
        """Both at once, as an expression of two variables needs it. Selections have been compared."""
        if any(theirs and theirs != ours for ours, theirs in zip(self.of_whole(), other.of_whole())):
            raise _errors.UsageError(
                "a variable inside an expression has weights, groups or windows: give these to the whole"
            )
        if any(name not in self.options or self.options[name] != x for name, x in other.options.items()):
            raise _errors.UsageError("a variable inside an expression has options: give these to the whole")
        if any(other.operands.get(name, path) != path for name, path in self.operands.items()):
            raise _errors.UsageError("two variables of other files have one name: rename one of them")
        return replace(
            self,
            select={**self.select, **other.select},
            dropped=_union(self.dropped, other.dropped),
            where=_union(self.where, other.where),
            operands={**self.operands, **other.operands},
        )


def _union(a: Iterable[str], b: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*a, *b]))


def _names(dims: Any) -> tuple[str, ...]:
    return (dims,) if isinstance(dims, (str, int)) else tuple(dims)


class Variable(Reductions, Operators):
    """A variable of files, or an expression of several, of which nothing is read before a reduction.

    Operators and functions of numpy make expressions: `ds.u**2 + ds.v**2`, `np.sqrt(x)`,
    `(ds.t2m > 273) & (ds.lat > 60)`. They compile to the options `expr` and `where` of one run.

    Attributes
    ----------
    dims : tuple of str
        Dimensions.
    text : str
        The expression.
    """

    def __init__(
        self,
        dataset: Dataset,
        lead: str,
        text: str,
        dims: tuple[str, ...],
        asked: _Asked,
        *,
        plain: bool = False,
        name: str | None = None,
    ) -> None:
        self._dataset = dataset
        self._lead = lead
        self.text = text
        self.dims = dims
        self._asked = asked
        self._plain = plain
        self.name = name

    def _replace(self, **changes: Any) -> Variable:
        """The same, but for what it is asked for."""
        return self._made(asked=replace(self._asked, **changes))

    def _made(self, **changes: Any) -> Variable:
        made = object.__new__(Variable)
        made.__dict__.update(self.__dict__)
        for name, value in changes.items():
            setattr(made, name if name in ("text", "dims", "name") else f"_{name}", value)
        return made

    # --- expressions ---

    def _operand(self, of: Variable) -> tuple[str, _Asked]:
        """What it is called in an expression of another one, and what must be asked for besides."""
        self._check_selections(of)
        if self._dataset.is_same(of._dataset):
            return self.text if self._plain else f"({self.text})", self._needs()
        if not self._plain or len(self._dataset.files) != 1:
            raise _errors.UsageError(
                "an expression has variables of its own files, and single ones of one other file"
            )
        if self._asked.where or self._asked.select or self._dataset.options:
            raise _errors.UsageError(
                f"{self.name} of another file has a condition, a selection or options: give these to the whole"
            )
        path = self._dataset.files[0].replace("'", "\\'")
        path = f"{self._lead}@'{path}'"
        name = of._dataset.unused(f"{self.name}_{zlib.crc32(path.encode()):08x}")
        return name, replace(self._asked, operands={**self._asked.operands, name: path})

    def _has(self, dim: str) -> bool:
        """Does a selection along this dimension choose from it? Of names that are not known, yes."""
        return dim in self.dims or dim not in self._dataset.sizes

    def _check_selections(self, of: Variable) -> None:
        """One selection is that of the whole expression: two that differ cannot be meant."""
        ours, theirs = self._asked.select, of._asked.select
        for dim in {**ours, **theirs}:
            if ours.get(dim) != theirs.get(dim) and self._has(dim) and of._has(dim):
                raise _errors.UsageError(
                    f"the variables of an expression have different selections of {dim}: "
                    "select from the whole expression, (a - b).isel(...)"
                )

    def _needs(self) -> _Asked:
        """What an expression of it must be asked for: no selection along a dimension that it has not."""
        kept = {d: text for d, text in self._asked.select.items() if self._has(d)}
        dropped = tuple(d for d in self._asked.dropped if d in kept)
        return replace(self._asked, select=kept, dropped=dropped)

    def _combine(self, make: Any, *operands: Any) -> Any:
        asked, dims, texts, lead = self._needs(), self.dims, [], self
        for operand in operands:
            if isinstance(operand, Variable):
                text, needed = operand._operand(self)
                asked = asked if operand is self else asked.joined(needed)
                if needed.of_whole() != asked.of_whole():
                    raise _errors.UsageError(
                        "weights, groups and windows are those of a whole expression: give them to it last"
                    )
                dims = _union(dims, operand.dims)
                if len(operand.dims) > len(lead.dims) and operand._dataset.is_same(self._dataset):
                    lead = operand
            else:
                text = _expression.literal(operand)
                if text is None:
                    return NotImplemented
            texts.append(text)
        return self._made(
            lead=lead._lead,
            text=make(*texts),
            dims=dims,
            asked=asked,
            plain=False,
            name=None,
        )

    def _method(self, make: Any, *operands: Any) -> Variable:
        """The expression of a method, of which no operand can know better."""
        made = self._combine(make, *operands)
        if made is NotImplemented:
            kinds = ", ".join(type(o).__name__ for o in operands if not isinstance(o, Variable))
            raise TypeError(f"an expression has numbers, dates and variables, not {kinds}")
        return made

    @property
    def sizes(self) -> dict[str, int]:
        """Lengths of its dimensions, in the first file."""
        return {d: self._dataset.sizes[d] for d in self.dims if d in self._dataset.sizes}

    @property
    def dt(self) -> Times:
        """Parts of times: `ds.time.dt.month == 1`."""
        return Times(self)

    def isnull(self) -> Variable:
        """1 where there is no value, else 0."""
        return self._method(lambda a: f"missing({a})", self)

    def notnull(self) -> Variable:
        """1 where there is a value, else 0."""
        return self._method(lambda a: f"!missing({a})", self)

    def fillna(self, value: Any) -> Variable:
        """`value` where there is none."""
        return self._method(lambda a, b: f"where(missing({a}), {b}, {a})", self, value)

    def clip(self, min: Any = None, max: Any = None) -> Variable:
        """Values no less than one and no greater than the other; None: no such bound."""
        if min is None or max is None:
            low = self if min is None else self._method(lambda a, b: f"max({a}, {b})", self, min)
            return low if max is None else low._method(lambda a, b: f"min({a}, {b})", low, max)
        return self._method(lambda a, b, c: f"clip({a}, {b}, {c})", self, min, max)

    def round(self) -> Variable:
        """The nearest integers, halves to even ones."""
        return self._method(lambda a: f"round({a})", self)

    def rename(self, name: str) -> Variable:
        """The same expression, by another name in results and files."""
        return self._made(name=name)

    # --- what of it ---

    def sel(self, **chosen: Any) -> Variable:
        """A part by values of coordinates: numbers, dates as texts or times, slices, lists.

        `sel(time="1979", lat=slice(-30, 30))`: both ends belong to a slice, and of an axis that falls
        they may be in either order. One number drops the dimension.
        """
        return self._made(asked=self._asked.with_select(True, chosen))

    def isel(self, **chosen: Any) -> Variable:
        """A part by indexes: `isel(time=slice(0, 100), lat=5)`."""
        return self._made(asked=self._asked.with_select(False, chosen))

    def where(self, condition: Variable | str, other: Any = None) -> Variable:
        """Only the elements for which a condition holds; or `other` where it does not.

        The elements that are left out are not counted as missing either.
        """
        if other is not None:
            if isinstance(condition, str):
                raise _errors.UsageError("with `other` the condition is a variable, not a text")
            return self._method(lambda a, b, c: f"where({a}, {b}, {c})", condition, self, other)
        if isinstance(condition, str):
            return self._replace(where=(*self._asked.where, condition))
        text, needed = condition._operand(self)
        joined = self._asked.joined(needed)
        return self._made(asked=replace(joined, where=(*joined.where, text)))

    def weighted(self, weights: Variable | str) -> Variable:
        """Weighted by an expression; "coslat" is the cosine of the latitude."""
        if isinstance(weights, str):
            return self._replace(weights=weights)
        text, needed = weights._operand(self)
        return self._made(asked=replace(self._asked.joined(needed), weights=text))

    def groupby(self, *keys: Any) -> Variable:
        """Groups: "time.month", "lat", the name of a dataset of labels, or an expression.

        Several keys make a cell for each combination of groups. Reductions without `dim` are over the
        dimensions that the keys depend on.
        """
        made = self
        for key in keys[0] if len(keys) == 1 and isinstance(keys[0], (list, tuple)) else keys:
            made = made._needing(key)._grouped(*made._key(key))
        return made

    def _needing(self, key: Any) -> Variable:
        """The same with what a key of groups asks for."""
        if not isinstance(key, Variable):
            return self
        if not key._dataset.is_same(self._dataset):
            raise _errors.UsageError("the key of groups is a variable of another file")
        return self._made(asked=self._asked.joined(key._operand(self)[1]))

    def groupby_bins(self, key: Any, bins: Iterable[float], *, right: bool = True) -> Variable:
        """Groups between edges, closed on the left, and the last on both sides: the dimension is KEY_bin.

        That is `right=False`, which must be written, as the default of xarray is the other.
        """
        if right:
            raise _errors.UsageError(
                "bins are closed on the left: say groupby_bins(..., right=False), as of xarray it is True"
            )
        text, dims = self._dataset.meant(key)
        call = f"bin({text}, [{', '.join(repr(float(b)) for b in bins)}])"
        made = self._needing(key)
        return made._grouped(call if isinstance(key, str) else f"{key.name or 'key'}={call}", dims)

    def resample(self, **period: str) -> Variable:
        """Stretches of the time line: `resample(time="6h")`, "5D", "30min", "10s", "MS", "YS".

        They are counted from 1970-01-01, and their dimension is `window`, or `yearmonth` and `year`.
        """
        ((dim, stretch),) = period.items()
        part = _PERIODS.get(stretch)
        found = _STRETCH.fullmatch(stretch)
        unit = _UNITS.get(found[2]) if found else None
        if not part and not unit:
            raise _errors.UsageError(
                f"{stretch!r}: periods are a number of D, h, min or s, as 6h, or MS or YS alone"
            )
        text = f"{part}({dim})" if part else f"window({dim}, '{found[1] or 1}{unit}')"
        return self._grouped(text, (dim,))

    def _key(self, key: Any) -> tuple[str, tuple[str, ...]]:
        if isinstance(key, Variable):
            text = key.text if key._plain else f"{key.name or 'key'}={key.text}"
            return text, key.dims
        name, _, part = key.rpartition(".")
        if name and part in _expression.TIME_PARTS:
            return f"{_expression.TIME_PARTS[part]}({name})", self._dataset.meant(name)[1]
        return self._dataset.meant(key)

    def _grouped(self, text: str, dims: tuple[str, ...]) -> Variable:
        asked = self._asked
        return self._replace(by=(*asked.by, text), by_dims=_union(asked.by_dims, dims))

    def rolling(self, center: bool = True, weights: str | None = None, **windows: int) -> Variable:
        """Windows along a dimension that stays: `rolling(time=5).mean()`, or of means `mean("lon")`.

        They have an odd number of cells, are centred (xarray's with center=True), and incomplete ones
        have no value. Of a reduction a window has all elements of its cells. `weights`: "triangle", or
        an expression of `offset`.
        """
        if not center or len(windows) != 1:
            raise _errors.UsageError("windows are centred, and along one dimension")
        ((dim, n),) = windows.items()
        return self._replace(rolling=f"{dim}={n}" + (f",weights={weights}" if weights else ""))

    def options(self, **options: Any) -> Variable:
        """Options of all its runs: threads, memory, comm, progress, ..."""
        return self._replace(options={**self._asked.options, **options})

    # --- reductions ---

    def _over(self, dim: Any) -> tuple[str, ...] | None:
        """The dimensions that are reduced; None: all."""
        asked = self._asked
        if dim is None and asked.by:
            dim = asked.by_dims
        elif dim is None and asked.rolling:
            dim = self._stacked()
        if dim is None or dim is ...:
            return None
        over = _union(_names(dim), asked.dropped)
        return None if self.dims and set(over) >= set(self.dims) else over

    def _stacked(self) -> tuple[str, ...]:
        """The dimension to reduce where windows are all that is asked for."""
        files = self._dataset.files
        if len(files) > 1 or "stack" in self._dataset.options or not os.path.exists(files[0]):
            raise _errors.UsageError(
                'say which dimensions are reduced, rolling(time=5).mean("lon"): none at all is for one file'
            )
        return (_ALONE,)

    def _settings(self) -> dict[str, Any]:
        asked = self._asked
        operands = [f"{name}={path}" for name, path in asked.operands.items()]
        where = [w if len(asked.where) == 1 else f"({w})" for w in asked.where]
        select = [f"{dim}={text}" for dim, text in asked.select.items()]
        return {
            "dataset": ",".join([self._lead, *operands]),
            "expr": None if self._plain else (f"{self.name}=" if self.name else "") + self.text,
            "where": " && ".join(where) or None,
            "select": ",".join(select) or None,
            "weights": asked.weights,
            "by": ",".join(asked.by) or None,
            "rolling": asked.rolling,
        }

    def reduce(self, kernel: str, dim: Dims = None, **options: Any) -> Result:
        over = self._over(dim)
        return _run.run(
            kernel,
            self._dataset.files,
            **{
                **self._dataset.options,
                **self._settings(),
                **self._asked.options,
                "over": None if over is None else ",".join(map(str, over)),
                **({"stack": _ALONE} if over and over[0] == _ALONE else {}),
                **options,
            },
        )

    def _pairs(self, kernel: str, other: Variable | str, dim: Dims, options: Any) -> Result:
        if isinstance(other, str):
            return self.reduce(kernel, dim, with_=other, **options)
        text, needed = other._operand(self)
        return self._made(asked=self._asked.joined(needed)).reduce(
            kernel, dim, with_=text, **options
        )

    def cov(self, other: Variable | str, dim: Dims = None, **options: Any) -> Result:
        """Covariance with another variable, over n - 1."""
        return self._pairs("cov", other, dim, {"fields": "cov", **options})

    def corr(self, other: Variable | str, dim: Dims = None, **options: Any) -> Result:
        """Pearson's correlation with another variable."""
        return self._pairs("corr", other, dim, {"fields": "corr", **options})

    def regress(self, other: Variable | str, dim: Dims = None, **options: Any) -> Result:
        """Line of least squares on another variable: slope, intercept, r2, stderr."""
        return self._pairs("regress", other, dim, options)

    def trend(self, dim: str = "time", **options: Any) -> Result:
        """Line of least squares along a coordinate, per unit of it."""
        return self.reduce("trend", dim, against=dim, **options)

    def __repr__(self) -> str:
        sizes = self.sizes
        extents = ", ".join(f"{d}: {sizes[d]}" if d in sizes else d for d in self.dims)
        asked = [f"{k}={v!r}" for k, v in self._settings().items() if v and k not in ("dataset", "expr")]
        return f"<quern.Variable {self.text} ({extents})" + "".join(f" {a}" for a in asked) + ">"


class Times:
    """Parts of the times of a variable: year, month, day, hour, dayofyear, season, ..."""

    def __init__(self, variable: Variable) -> None:
        self._variable = variable

    def __getattr__(self, name: str) -> Variable:
        if name not in _expression.TIME_PARTS:
            raise AttributeError(f"times have no {name!r}")
        return self._variable._combine(
            lambda a: f"{_expression.TIME_PARTS[name]}({a})", self._variable
        )

    def __dir__(self) -> list[str]:
        return list(_expression.TIME_PARTS)


class Dataset(Reductions):
    """The variables of a file, or of several that are one dataset: `ds.t2m`, `ds["/obs/t"]`.

    Attributes
    ----------
    files : list of str
        In the order in which they are joined.
    sizes : dict
        Lengths of the named dimensions, of the first file.
    """

    def __init__(
        self, files: list[str], rows: Mapping[str, Any], options: Mapping[str, Any], asked: _Asked
    ) -> None:
        self.files = files
        self.options = dict(options)
        self._rows = rows
        self._asked = asked
        self.sizes: dict[str, int] = {}
        for row in rows.values():
            self.sizes.update((d, n) for d, n in zip(row["dims"], row["shape"]) if d)
        if "stack" in self.options:
            self.sizes[self.options["stack"]] = len(files)
        self._paths: dict[str, str | None] = {}
        for path in rows:
            name = path.rpartition("/")[2]
            self._paths[name] = None if name in self._paths else path

    def _dims(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        named = tuple(d if d else f"dim_{i}" for i, d in enumerate(row["dims"]))
        stacked = self.options.get("stack")
        return (stacked, *named) if stacked and row["role"] == "variable" else named

    def is_same(self, other: Dataset) -> bool:
        """Are the names of both the same data? So it is of parts of one."""
        return self is other or (self.files == other.files and self.options == other.options)

    def unused(self, name: str) -> str:
        """A name for expressions that none of its own has."""
        name = re.sub(r"[^A-Za-z0-9_]", "_", name)
        while name in self._paths or name in self.sizes:
            name += "_"
        return name

    @property
    def variables(self) -> list[str]:
        """The paths of what is no coordinate."""
        return [p for p, row in self._rows.items() if row["role"] in (None, "variable")]

    @property
    def coords(self) -> list[str]:
        """The paths of coordinates."""
        return [p for p in self._rows if p not in self.variables]

    def _path(self, name: str) -> str | None:
        for path in (name, "/" + name, self._paths.get(name)):
            if path in self._rows:
                return path
        return None

    def __getitem__(self, name: str | list[str]) -> Any:
        if isinstance(name, list):
            kept = {self._path(n) for n in name}
            rows = {
                p: row for p, row in self._rows.items() if p in kept or p not in self.variables
            }
            return Dataset(self.files, rows, self.options, self._asked)
        path = self._path(name)
        if path is None:
            raise KeyError(f"no dataset {name!r}: there are {', '.join(self._rows) or 'none'}")
        last = path.rpartition("/")[2]
        return Variable(
            self,
            path,
            _expression.quoted(last if path == "/" + last else path),
            self._dims(self._rows[path]),
            self._asked,
            plain=True,
            name=last,
        )

    def __iter__(self) -> Iterator[str]:
        return iter(p.lstrip("/") for p in self.variables)

    def __len__(self) -> int:
        return len(self.variables)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._path(name) is not None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or self._path(name) is None:
            raise AttributeError(f"no dataset {name!r}")
        return self[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(n for n in self._paths if n.isidentifier())]

    def meant(self, key: Any) -> tuple[str, tuple[str, ...]]:
        """A key of groups as expressions have it, and its dimensions."""
        if isinstance(key, Variable):
            return key.text, key.dims
        path = self._path(key)
        dims = self._dims(self._rows[path]) if path else (key,)
        return key, dims or (key,)

    def sel(self, **chosen: Any) -> Dataset:
        """All variables, of a part by values of coordinates: see `Variable.sel`."""
        return Dataset(
            self.files, self._rows, self.options, self._asked.with_select(True, chosen)
        )

    def isel(self, **chosen: Any) -> Dataset:
        """All variables, of a part by indexes: see `Variable.isel`."""
        return Dataset(
            self.files, self._rows, self.options, self._asked.with_select(False, chosen)
        )

    def reduce(self, kernel: str, dim: Dims = None, **options: Any) -> Results:
        """One run over all variables that have these dimensions."""
        wanted = () if dim is None or dim is ... else _names(dim)
        paths = [
            p for p in self.variables if set(wanted) <= set(self._dims(self._rows[p]))
        ]
        if not paths:
            raise _errors.UsageError(f"no variable has the dimensions {', '.join(wanted)}")
        over = _union(wanted, self._asked.dropped) if wanted else ()
        select = [f"{d}={text}" for d, text in self._asked.select.items()]
        found = _run.run(
            kernel,
            self.files,
            **{
                **self.options,
                **self._asked.options,
                "dataset": ",".join(paths),
                "select": ",".join(select) or None,
                "over": ",".join(over) or None,
                **options,
            },
        )
        if not isinstance(found, Result):
            return found
        return Results({paths[0].rpartition("/")[2]: found})

    def __repr__(self) -> str:
        extents = ", ".join(f"{d}: {n}" for d, n in self.sizes.items())
        files = self.files[0] + (f" and {len(self.files) - 1} more" if self.files[1:] else "")
        lines = [f"<quern.Dataset {files} ({extents})>"]
        for path in [*self.coords, *self.variables]:
            row = self._rows[path]
            mark = " " if path in self.variables else "*"
            units = f" [{row['units']}]" if row["units"] else ""
            lines.append(f"{mark} {path} ({', '.join(self._dims(row))}) {row['dtype']}{units}")
        return "\n".join(lines)


def opened(files: _run.Files, options: Mapping[str, Any]) -> Dataset:
    """What `quern.open` returns."""
    names = _run.listed(files)
    if not names:
        raise _errors.UsageError("no file is named")
    document = _tasks.inspect(_first(names[0]))
    rows = {row["dataset"]: row for row in document["datasets"] if row["error"] is None}
    return Dataset(names, rows, options, _Asked())


def _first(name: str) -> str:
    """The first file of a pattern, which `inspect` does not take."""
    if os.path.exists(name):
        return name
    import glob

    return min(glob.glob(name), default=name)
