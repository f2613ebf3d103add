"""Reductions of arrays in memory."""

from __future__ import annotations

import ctypes
import os
from ctypes import c_char_p, c_ssize_t, c_uint64, c_void_p
from typing import Any, Iterable, Mapping, Sequence, Union

import numpy as np

from . import _errors, _library, _result
from ._progress import ProgressLike
from ._run import Run, run_to_result, session_of, settings

lib = _library.lib

# enum quern_dtype
_TYPES = {
    np.dtype(name): i
    for i, name in enumerate("i1 u1 i2 u2 i4 u4 i8 u8 f4 f8".split())
}

Box = Union[slice, Sequence[slice]]


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _numbers(values: Any) -> np.ndarray:
    """An array of a type that the library has, of its own elements where it can be."""
    array = np.asarray(values)
    if array.dtype == bool:
        return array.view("u1")
    native = array.dtype.newbyteorder("=")
    if native not in _TYPES:
        raise _errors.UsageError(f"arrays of {array.dtype} cannot be reduced: of integers and floats of at most 64 bits")
    return array.astype(native, copy=False)


def _is_described(array: np.ndarray, strides: tuple[int, ...] | None = None) -> bool:
    """Can strides be told of it? They are not negative, and whole elements; none is 0."""
    size = array.itemsize
    return all(s > 0 and s % size == 0 for n, s in zip(array.shape, strides or array.strides) if n > 1)


def _laid_out(array: np.ndarray, strides: tuple[int, ...]) -> np.ndarray:
    """The array itself, or a copy of it, with these strides."""
    if array.strides == strides:
        return array
    span = sum((n - 1) * s for n, s in zip(array.shape, strides)) // array.itemsize + 1
    room = np.empty(span, array.dtype)
    copy = np.lib.stride_tricks.as_strided(room, array.shape, strides)
    copy[...] = array
    return copy


class _Variable:
    """What absorb is given under a name: the types and strides of the first step are those of all."""

    def __init__(self, arrays: list[np.ndarray]) -> None:
        self.dtype = arrays[0].dtype
        self.strides = [
            a.strides if _is_described(a) else np.empty(a.shape, a.dtype).strides for a in arrays
        ]


class Reduction:
    """A reduction of arrays that a program holds in memory, step by step.

    The kernels and options are those of `quern.run`, and what is found are the same bits as of a run over a
    file that has the arrays.

    Parameters
    ----------
    kernel : str or iterable of str
        As of `quern.run`; one that needs to see the data once.
    shape : sequence of int
        The lengths of the dimensions of the whole grid, but for that of steps.
    dims : sequence of str
        Their names.
    steps : str, optional
        The name of one more dimension, the first, along which steps are absorbed; without it there is one.
    step_units, step_calendar : str, optional
        Of the values of steps: "s", "days since 2000-01-01".
    most_steps : int, optional
        How many there will be at most, which some kernels must know.
    coords : mapping, optional
        By their names coordinates of dimensions, or labels, on the whole grid: an array, or pairs (dims, array)
        or triples (dims, array, units) as of xarray.
    boxes : tuple of slices, or list of such, optional
        What this rank has of the grid, as it would be cut out of the whole: np.s_[0:100, :]. By default all.
    mask : str, optional
        Of what is absorbed under this name, of bool or bytes, zeros say what of the reduced variable is
        missing. Masked arrays have theirs with them.
    units : str, or mapping of str, optional
        Of the variables, by their names.
    comm : mpi4py.MPI.Comm or Session, optional
        Whose ranks have parts of the grid. All make the reduction with the same arguments but for boxes.
    **options
        Of runs but for `select`: over, by, where, expr, weights, ..., and those of the kernel. Of several variables
        the first is reduced, or that of `dataset`.

    Raises
    ------
    UsageError, DataError, Error
        With the library's message: some when it is made, others by the first step, or by the result. What one
        rank has found fails the result on all of them.

    Examples
    --------
    >>> with quern.Reduction("moments", (ny, nx), ("y", "x"), steps="time", units="K", over="time") as r:
    ...     for t in range(100):
    ...         u = step(u)
    ...         r.absorb(t, u=u[1:-1, 1:-1])
    ...     r.finish()["mean"]
    """

    _handle: int | None = None

    def __init__(
        self,
        kernel: str | Iterable[str],
        shape: Sequence[int],
        dims: Sequence[str],
        *,
        steps: str | None = None,
        step_units: str | None = None,
        step_calendar: str | None = None,
        most_steps: int = 0,
        coords: Mapping[str, Any] | None = None,
        boxes: Box | list[Box] | None = None,
        mask: str | None = None,
        units: str | Mapping[str, str] | None = None,
        comm: Any = None,
        **options: Any,
    ) -> None:
        self._session, self._is_own = session_of(comm)
        self._shape = tuple(int(n) for n in shape)
        self._mask, self._units, self._dataset = mask, units, options.get("dataset")
        self._variables: dict[str, _Variable] = {}
        self._masked: str | None = None
        self._has_steps = steps is not None
        self._handle = lib.quern_reduction_new(
            self._session.handle, (kernel if isinstance(kernel, str) else ",".join(kernel)).encode()
        )
        if not self._handle:
            raise MemoryError("no memory for a reduction")
        with _failing(self):
            self._begin(dims, options)
            if steps is not None:
                lib.quern_reduction_steps(
                    self._handle, steps.encode(), most_steps, _encoded(step_units), _encoded(step_calendar)
                )
            for name, told in (coords or {}).items():
                self._add_coordinate(name, told)
            self._boxes = [self._counts_of(box) for box in self._listed_boxes(boxes)]

    # --- what it is told ---

    def _begin(self, dims: Sequence[str], options: Mapping[str, Any]) -> None:
        n = len(self._shape)
        if isinstance(dims, str) or len(dims) != n:
            raise _errors.UsageError(f"{n} dimensions need as many names: dims={dims!r}")
        for name, value in settings(options):
            text = None if value is None else os.fsencode(value)
            lib.quern_reduction_set(self._handle, name.encode(), text)
        names = (c_char_p * n)(*[d.encode() for d in dims])
        lib.quern_reduction_grid(self._handle, n, (c_uint64 * n)(*self._shape), names)

    def _add_coordinate(self, name: str, told: Any) -> None:
        dims, values, units = (*told, None)[:3] if isinstance(told, tuple) else (None, told, None)
        array = np.ascontiguousarray(_numbers(values))
        if dims is not None and not isinstance(dims, str):
            dims = ",".join(dims)
        lib.quern_reduction_coordinate(
            self._handle, name.encode(), _encoded(dims), _TYPES[array.dtype], array.ctypes.data, _encoded(units)
        )

    def _listed_boxes(self, boxes: Any) -> list[Any]:
        if boxes is None:
            return [(slice(None),) * len(self._shape)]
        return boxes if isinstance(boxes, list) else [boxes]

    def _counts_of(self, box: Any) -> tuple[int, ...]:
        """Tells of a box, unless it is empty."""
        slices = box if isinstance(box, tuple) else (box,)
        n = len(self._shape)
        if len(slices) != n or not all(isinstance(s, slice) and s.step in (None, 1) for s in slices):
            raise _errors.UsageError(f"a box is {n} slices, one for each dimension: {box!r}")
        ends = [s.indices(extent) for s, extent in zip(slices, self._shape)]
        counts = tuple(max(stop - start, 0) for start, stop, _ in ends)
        if all(counts):
            starts = (c_uint64 * n)(*[start for start, _, _ in ends])
            lib.quern_reduction_box(self._handle, starts, (c_uint64 * n)(*counts))
        return counts

    # --- steps ---

    def absorb(self, step: float | None = None, /, **variables: Any) -> None:
        """Takes in a step. Not collective.

        Parameters
        ----------
        step : float
            Its value, where there is a dimension of steps: all ranks absorb the same.
        **variables : array_like, or list of such
            By their names, of the shape of this rank's box; of several boxes a list. Nothing is copied of arrays that
            are laid out as those of the first step, which may have any strides that are not negative: a
            part of a larger array, one in Fortran's order.

        Raises
        ------
        UsageError, DataError
            What is wrong with the options is found by the first step.
        """
        with _failing(self):
            if (step is not None) != self._has_steps:
                raise _errors.UsageError("a step has a value where there is a dimension of steps, and only there")
            arrays = {name: self._arrays(name, given) for name, given in variables.items()}
            self._add_masks(arrays, variables)
            if not self._variables:
                self._make_known(arrays)
            if arrays.keys() != self._variables.keys():
                raise _errors.UsageError(
                    f"the step has {', '.join(arrays) or 'nothing'}, the first one {', '.join(self._variables)}"
                )
            placed = [a for name in self._variables for a in self._placed(name, arrays[name])]
            addresses = (c_void_p * len(placed))(*[a.ctypes.data for a in placed])
            lib.quern_reduction_absorb(self._handle, 0.0 if step is None else float(step), addresses)

    def _arrays(self, name: str, given: Any) -> list[np.ndarray]:
        """What is given of a variable for each box."""
        several = given if isinstance(given, list) and len(self._boxes) != 1 else [given]
        arrays = [_numbers(a) for a in several]
        shapes = [a.shape for a in arrays]
        if shapes != self._boxes:
            raise _errors.UsageError(f"{name}: an array of {shapes}, and the boxes are of {self._boxes}")
        return arrays

    def _add_masks(self, arrays: dict[str, list[np.ndarray]], given: Mapping[str, Any]) -> None:
        """Of masked arrays one more variable, of what is there."""
        for name, value in given.items():
            several = value if isinstance(value, list) else [value]
            if not any(isinstance(a, np.ma.MaskedArray) for a in several):
                continue
            if self._mask or name != (self._dataset or next(iter(given))).strip("/"):
                raise _errors.UsageError(f"{name}: one mask, of what is reduced: fill it with NaN")
            self._masked = f"{name}_is_there"
            arrays[self._masked] = [(~np.ma.getmaskarray(a)).view("u1") for a in several]

    def _make_known(self, arrays: Mapping[str, list[np.ndarray]]) -> None:
        """Variables, as the first step has them."""
        for name, of_boxes in arrays.items():
            variable = _Variable(of_boxes)
            self._variables[name] = variable
            strides = [s for box, all_of in zip(self._boxes, variable.strides) if all(box) for s in all_of]
            units = self._units if isinstance(self._units, str) else (self._units or {}).get(name)
            lib.quern_reduction_variable(
                self._handle,
                name.encode(),
                _TYPES[variable.dtype],
                (c_ssize_t * len(strides))(*strides),
                None if name in (self._mask, self._masked) else _encoded(units),
            )
        mask = self._mask or self._masked
        if mask:
            lib.quern_reduction_mask(self._handle, mask.encode())

    def _placed(self, name: str, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """The arrays of boxes that are not empty, laid out as is known."""
        known = self._variables[name]
        if any(a.dtype != known.dtype for a in arrays):
            raise _errors.UsageError(f"{name}: of type {arrays[0].dtype}, and before of {known.dtype}")
        return [
            _laid_out(a, strides) for a, strides, box in zip(arrays, known.strides, self._boxes) if all(box)
        ]

    # --- results ---

    def snapshot(
        self, *, output: str | os.PathLike[str] | None = None, progress: ProgressLike = False
    ) -> _result.Result | None:
        """The result of what was absorbed so far, after which more can be. Collective.

        Parameters
        ----------
        output, progress
            As of `quern.run`.

        Returns
        -------
        Result; None on ranks other than 0.
        """
        made = Run(self._session, make=lambda _: lib.quern_reduction_run(self._open()))
        return run_to_result(made, self._session, output, progress)

    def finish(
        self, *, output: str | os.PathLike[str] | None = None, progress: ProgressLike = False
    ) -> _result.Result | None:
        """The result, and the end of the reduction. Collective; as `snapshot`."""
        try:
            return self.snapshot(output=output, progress=progress)
        finally:
            self.close()

    def close(self) -> None:
        """Frees it. Collective where it was made on a communicator that is not a session."""
        if self._handle:
            self._free()
            if self._is_own:
                self._session.close()

    def _free(self) -> None:
        if self._handle:
            lib.quern_reduction_free(self._handle)
            self._handle = None

    # A session of a communicator is closed collectively, which this is not.
    __del__ = _free

    def _open(self) -> int:
        if not self._handle:
            raise _errors.UsageError("the reduction is finished")
        return self._handle

    def _check(self) -> None:
        status = lib.quern_reduction_status(self._open())
        if status:
            raise _errors.error(status, lib.quern_reduction_message(self._handle).decode())

    def _fail(self, why: str) -> None:
        lib.quern_reduction_fail(self._open(), why.encode())

    def __enter__(self) -> Reduction:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        # What was raised may have been on this rank alone: the others are not met again.
        if kind is None:
            self.close()
        else:
            self._free()


class _failing:
    """What is wrong here fails the reduction, so that other ranks do not wait for its result."""

    def __init__(self, reduction: Reduction) -> None:
        self._reduction = reduction

    def __enter__(self) -> None:
        self._reduction._open()

    def __exit__(self, _: Any, raised: BaseException | None, __: Any) -> None:
        if isinstance(raised, Exception):
            self._reduction._fail(str(raised))
        elif raised is None:
            self._reduction._check()
