"""The accessor `quern` of xarray: `import quern.xarray`, then `ds.t2m.quern.mean("time")`.

It is for variables as they were opened from files, of which `encoding["source"]` names the file: quern reads
that, chunk by chunk, and not what xarray has loaded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from xarray.core import indexing

from . import _dataset, _errors


def _source(array: xr.DataArray) -> str:
    source = array.encoding.get("source")
    if not source or array.name is None:
        raise _errors.UsageError(
            "the array has no file (encoding['source']): it is computed, or was opened from several files; "
            "quern.open(FILES) takes these"
        )
    return source


def _is_whole(array: xr.DataArray) -> bool:
    """Is it all of what is in the file, and still there only? What memory has may have been changed.

    Of xarray's layers about an array of a file those that choose a part have a key.
    """
    layer = array.variable._data
    if array.variable._in_memory or not isinstance(layer, indexing.ExplicitlyIndexed):
        return False
    while layer is not None:
        key = getattr(layer, "key", None)
        if key is not None and not all(isinstance(k, slice) and k == slice(None) for k in key.tuple):
            return False
        layer = getattr(layer, "array", None)
    return True


def _opened(array: xr.DataArray) -> _dataset.Variable:
    """The variable of the file. What is but a part of it there, xarray does not tell from which."""
    if _source(array) and not _is_whole(array):
        raise _errors.UsageError(
            f"{array.name} is not what is in its file, or has been loaded or cut into chunks since it was "
            "opened: quern reads the file, so use it before that, ds.t2m.quern.sel(...), or quern.open(FILE)"
        )
    variable = _dataset.opened(_source(array), {})[str(array.name)]
    sizes = variable.sizes
    if tuple(sizes) != array.dims or tuple(sizes.values()) != array.shape:
        raise _errors.UsageError(
            f"{array.name} is ({_extents(array.sizes)}), and ({_extents(sizes)}) in its file: select with "
            "quern's sel and isel, ds.t2m.quern.sel(...), not with xarray's"
        )
    return variable


def _extents(sizes: Any) -> str:
    return ", ".join(f"{d}: {n}" for d, n in sizes.items())


class _Reduced:
    """A variable of quern whose results are of xarray, with the coordinates that the array has."""

    def __init__(self, array: xr.DataArray, variable: _dataset.Variable) -> None:
        self._array = array
        self._variable = variable

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._variable, name)
        return self._called(attribute) if callable(attribute) else attribute

    def __dir__(self) -> list[str]:
        return dir(self._variable)

    def _called(self, method: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            found = method(*arguments, **options)
            if isinstance(found, _dataset.Variable):
                return _Reduced(self._array, found)
            return self._as_array(found.to_xarray()) if hasattr(found, "to_xarray") else found

        call.__doc__ = method.__doc__
        return call

    def _as_array(self, found: xr.Dataset) -> xr.DataArray | xr.Dataset:
        for dim in found.dims:
            self._check(dim, found)
        found = found.assign_coords({d: self._array[d] for d in found.dims if self._is_same(d, found)})
        names = list(found.data_vars)
        if len(names) != 1:
            return found
        return found[names[0]].rename(self._array.name)

    def _is_same(self, dim: Any, found: xr.Dataset) -> bool:
        return (
            dim in self._array.coords
            and dim in found.coords
            and self._array.sizes.get(dim) == found.sizes[dim]
        )

    def _check(self, dim: Any, found: xr.Dataset) -> None:
        """Is the axis still that of the file? It may have been turned round in memory."""
        if not self._is_same(dim, found):
            return
        ours, theirs = found[dim].values, self._array[dim].values
        if ours.dtype.kind == theirs.dtype.kind and not np.array_equal(ours, theirs):
            raise _errors.UsageError(f"{dim} is not in memory as it is in the file")


@xr.register_dataarray_accessor("quern")
class Accessor(_Reduced):
    """All methods of `quern.Variable`; results are DataArrays, or Datasets of several fields."""

    def __init__(self, array: xr.DataArray) -> None:
        super().__init__(array, _opened(array))
