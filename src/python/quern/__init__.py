"""quern from Python: exact reductions of HDF5 and NetCDF-4 files.

>>> import quern
>>> r = quern.run("moments", "climate.nc", dataset="t2m", over="time")
>>> r["mean"]                                       # a numpy array
>>> ds = quern.open("climate.nc")
>>> ds.t2m.groupby("time.month").mean()
>>> ds.t2m.where(ds.lat > 60).weighted("coslat").mean(["lat", "lon"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _document, _library
from ._document import Document
from ._errors import DataError, DeniedError, Error, Interrupted, QuernWarning, UsageError
from ._result import Result, Results
from ._run import Files, plan, run
from ._session import Session

if TYPE_CHECKING:
    from ._dataset import Dataset, Variable
    from ._kernel import kernel
    from ._memory import Reduction
    from ._tasks import homes, inspect, stage, unstage, verify

__version__: str = _library.lib.quern_version().decode()

__all__ = [
    "DataError",
    "Dataset",
    "DeniedError",
    "Document",
    "Error",
    "Interrupted",
    "QuernWarning",
    "Reduction",
    "Result",
    "Results",
    "Session",
    "UsageError",
    "Variable",
    "homes",
    "info",
    "inspect",
    "kernel",
    "kernels",
    "open",
    "plan",
    "run",
    "stage",
    "unstage",
    "verify",
]


def open(files: Files, **options: Any) -> Dataset:
    """Opens files as a lazy dataset, with the methods of xarray: see `quern.Dataset`, `quern.Variable`.

    Parameters
    ----------
    files : path, or iterable of paths
        As of `quern.run`: several are joined along the first dimension, or along the option `along`, or
        put on top of each other with `stack="member"`. What the first says of its datasets is read.
    **options
        Of all runs: along, stack, raw, nan, threads, memory, comm, progress, ...

    Examples
    --------
    >>> ds = quern.open("climate.nc")
    >>> ds.t2m.sel(time="1979", lat=slice(-30, 30)).mean("time").to_xarray()
    >>> ds.t2m.groupby("time.month").mean()
    >>> np.sqrt(ds.u10**2 + ds.v10**2).max()
    """
    from . import _dataset

    return _dataset.opened(files, options)


# What a run does not need is not imported for one: the module of each name.
_LATER = {
    "Dataset": "_dataset",
    "Reduction": "_memory",
    "Variable": "_dataset",
    "homes": "_tasks",
    "inspect": "_tasks",
    "kernel": "_kernel",
    "stage": "_tasks",
    "unstage": "_tasks",
    "verify": "_tasks",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'quern' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("." + _LATER[name], __name__), name)


def kernels(name: str | None = None) -> Document:
    """All kernels, or one, with their options, as the document of `quern kernels`."""
    return _document.of_text(_library.ask("quern_kernels", name and name.encode()))


def info() -> Document:
    """Version, libraries, codecs and this machine, as the document of `quern info`."""
    return _document.of_text(_library.ask("quern_info"))
