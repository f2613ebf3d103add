"""libquern by ctypes: all that is known here of its functions.

Where it is looked for: the file that the environment variable QUERN_LIBRARY names; the directories
above the package, where `make install` puts both; where the loader looks; where pkg-config says.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, byref, c_bool, c_char_p, c_double, c_int, c_size_t, c_uint64, c_void_p

_NAME = "libquern.so.1"

# Called on rank 0: pass, bytes done, bytes in all. False cancels the run.
PROGRESS = ctypes.CFUNCTYPE(c_bool, c_void_p, c_int, c_uint64, c_uint64)

# In place of a communicator's Fortran handle: this process alone, without MPI.
NO_MPI = -1

# enum quern_type
NONE, INT64, UINT64, DOUBLE, DECIMAL, TEXT = range(6)

_MAX_RESULT_DIMS = 48


class Field(ctypes.Structure):
    """struct quern_field"""

    _fields_ = [
        ("size", c_size_t),
        ("name", c_char_p),
        ("type", c_int),
        ("ndims", c_int),
        ("extent", c_uint64 * _MAX_RESULT_DIMS),
        ("dim", c_char_p * _MAX_RESULT_DIMS),
        ("nvalues", c_uint64),
        ("units", c_char_p),
        ("calendar", c_char_p),
    ]


class Axis(ctypes.Structure):
    """struct quern_axis"""

    _fields_ = [
        ("size", c_size_t),
        ("name", c_char_p),
        ("extent", c_uint64),
        ("type", c_int),
        ("units", c_char_p),
        ("calendar", c_char_p),
        ("is_groups", c_bool),
        ("has_dates", c_bool),
    ]


# Result, name, first, n, values, flags.
_READ = [c_void_p, c_char_p, c_uint64, c_uint64, c_void_p, c_void_p]

_PROTOTYPES = {
    "quern_version": (c_char_p, []),
    "quern_session_new_f": (c_void_p, [c_int]),
    "quern_session_free": (None, [c_void_p]),
    "quern_session_status": (c_int, [c_void_p]),
    "quern_session_message": (c_char_p, [c_void_p]),
    "quern_run_new": (c_void_p, [c_void_p, c_char_p]),
    "quern_run_free": (None, [c_void_p]),
    "quern_run_set": (c_int, [c_void_p, c_char_p, c_char_p]),
    "quern_run_add_file": (c_int, [c_void_p, c_char_p]),
    "quern_run_progress": (None, [c_void_p, PROGRESS, c_void_p]),
    "quern_run_execute": (c_int, [c_void_p]),
    "quern_run_plan": (c_int, [c_void_p]),
    "quern_run_message": (c_char_p, [c_void_p]),
    "quern_run_warning": (c_char_p, [c_void_p, c_size_t]),
    "quern_run_document": (c_void_p, [c_void_p, c_bool]),
    "quern_run_plan_document": (c_void_p, [c_void_p]),
    "quern_run_output": (c_int, [c_void_p, c_char_p]),
    "quern_run_write": (c_int, [c_void_p, c_char_p]),
    "quern_run_ndatasets": (c_size_t, [c_void_p]),
    "quern_run_dataset": (c_char_p, [c_void_p, c_size_t]),
    "quern_run_result_of": (c_void_p, [c_void_p, c_size_t]),
    "quern_result_nfields": (c_size_t, [c_void_p]),
    "quern_result_field": (c_bool, [c_void_p, c_size_t, POINTER(Field)]),
    "quern_result_naxes": (c_size_t, [c_void_p]),
    "quern_result_axis": (c_bool, [c_void_p, c_size_t, POINTER(Axis)]),
    "quern_result_coordinates": (c_bool, [c_void_p, c_size_t, c_void_p]),
    "quern_result_coordinates_int64": (c_bool, [c_void_p, c_size_t, c_void_p]),
    "quern_result_coordinate_text": (
        c_bool,
        [c_void_p, c_size_t, c_uint64, c_char_p, c_size_t],
    ),
    "quern_result_read_int64": (c_bool, _READ),
    "quern_result_read_uint64": (c_bool, _READ),
    "quern_result_read_double": (c_bool, _READ),
    "quern_result_read_text": (c_bool, [c_void_p, c_char_p, c_uint64, c_char_p, c_size_t]),
    "quern_reduction_new": (c_void_p, [c_void_p, c_char_p]),
    "quern_reduction_free": (None, [c_void_p]),
    "quern_reduction_status": (c_int, [c_void_p]),
    "quern_reduction_message": (c_char_p, [c_void_p]),
    "quern_reduction_fail": (c_int, [c_void_p, c_char_p]),
    "quern_reduction_set": (c_int, [c_void_p, c_char_p, c_char_p]),
    "quern_reduction_grid": (c_int, [c_void_p, c_int, c_void_p, POINTER(c_char_p)]),
    "quern_reduction_steps": (c_int, [c_void_p, c_char_p, c_uint64, c_char_p, c_char_p]),
    "quern_reduction_coordinate": (
        c_int,
        [c_void_p, c_char_p, c_char_p, c_int, c_void_p, c_char_p],
    ),
    "quern_reduction_box": (c_int, [c_void_p, c_void_p, c_void_p]),
    "quern_reduction_variable": (c_int, [c_void_p, c_char_p, c_int, c_void_p, c_char_p]),
    "quern_reduction_mask": (c_int, [c_void_p, c_char_p]),
    "quern_reduction_absorb": (c_int, [c_void_p, c_double, POINTER(c_void_p)]),
    "quern_reduction_run": (c_void_p, [c_void_p]),
    "quern_homes_new": (c_void_p, [c_void_p]),
    "quern_inspect_new": (c_void_p, [c_void_p]),
    "quern_stage_new": (c_void_p, [c_void_p]),
    "quern_unstage_new": (c_void_p, [c_void_p]),
    "quern_verify_new": (c_void_p, [c_void_p]),
    "quern_kernels": (c_int, [c_char_p, POINTER(c_void_p), c_char_p, c_size_t]),
    "quern_info": (c_int, [POINTER(c_void_p), c_char_p, c_size_t]),
}


def _by_pkg_config() -> str | None:
    import subprocess

    try:
        found = subprocess.run(
            ["pkg-config", "--variable=libdir", "quern"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return os.path.join(found.stdout.strip(), _NAME)


def _load() -> ctypes.CDLL:
    named = os.environ.get("QUERN_LIBRARY")
    if named:
        return ctypes.CDLL(named)
    above = os.path.dirname(os.path.abspath(__file__))
    for _ in range(4):
        above = os.path.dirname(above)
        if os.path.exists(os.path.join(above, _NAME)):
            return ctypes.CDLL(os.path.join(above, _NAME))
    try:
        return ctypes.CDLL(_NAME)
    except OSError as e:
        path = _by_pkg_config()
        if path and os.path.exists(path):
            return ctypes.CDLL(path)
        raise ImportError(
            f"{_NAME} is not found ({e}): install quern, or set QUERN_LIBRARY to the file"
        ) from None


def _open() -> ctypes.CDLL:
    library = _load()
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


lib = _open()
_libc_free = ctypes.CDLL(None).free
_libc_free.restype = None
_libc_free.argtypes = [c_void_p]


def take_text(address: int | None) -> str | None:
    """A text that is the caller's, which is freed; None of NULL."""
    if not address:
        return None
    text = ctypes.string_at(address).decode()
    _libc_free(address)
    return text


def ask(function: str, *arguments: object) -> str:
    """The document of a function that writes it to *json, and what went wrong to why."""
    from ._errors import error

    json = c_void_p()
    why = ctypes.create_string_buffer(1024)
    status = getattr(lib, function)(*arguments, byref(json), why, len(why))
    text = take_text(json.value)
    if status:
        raise error(status, why.value.decode())
    return text or ""


def fields(found: int | None) -> list[Field]:
    """The fields of a result, in the order of documents."""
    listed = [Field(size=ctypes.sizeof(Field)) for _ in range(lib.quern_result_nfields(found))]
    for i, f in enumerate(listed):
        lib.quern_result_field(found, i, byref(f))
    return listed


def axes(found: int | None) -> list[Axis]:
    """The dimensions of a result."""
    listed = [Axis(size=ctypes.sizeof(Axis)) for _ in range(lib.quern_result_naxes(found))]
    for i, a in enumerate(listed):
        lib.quern_result_axis(found, i, byref(a))
    return listed
