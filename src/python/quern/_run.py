"""A run of kernels over files."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from contextlib import contextmanager
from typing import Any, Iterable, Iterator, Mapping, Union

from . import _document, _errors, _library, _progress, _result, _session
from ._document import Document
from ._progress import ProgressLike

lib = _library.lib

Files = Union[str, "os.PathLike[str]", Iterable[Union[str, "os.PathLike[str]"]]]

def listed(files: Files) -> list[str]:
    """The names of one file or of several."""
    if isinstance(files, (str, os.PathLike)):
        files = [files]
    return [os.fspath(f) for f in files]


def _value(value: Any) -> str:
    """What the command line has for a value."""
    if isinstance(value, Mapping):
        return ",".join(f"{name}={_value(x)}" for name, x in value.items())
    if isinstance(value, (list, tuple)):
        return ",".join(_value(x) for x in value)
    if hasattr(value, "tolist") and getattr(value, "ndim", None) is not None:
        return _value(value.tolist())
    return repr(value) if isinstance(value, float) else str(value)


def settings(options: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Options of the command by Python's names: `on_bad_chunk`, `with_`; None and False: not set."""
    return [
        (name.rstrip("_").replace("_", "-"), None if value is True else _value(value))
        for name, value in options.items()
        if value is not None and value is not False
    ]


class Run:
    """A handle of the library: a run of a kernel, or with `make` another task of a session."""

    handle: int | None = None

    def __init__(self, session: _session.Session, *kernel: str, make: Any = lib.quern_run_new) -> None:
        self.handle = make(session.handle, *[os.fsencode(k) for k in kernel])
        if not self.handle:
            raise MemoryError("no memory for a run")
        self._raised: BaseException | None = None
        self._documents: dict[bool, Document] = {}

    def close(self) -> None:
        """Frees it, and with it its results."""
        if self.handle:
            lib.quern_run_free(self.handle)
            self.handle = None

    # Results that are read later keep it.
    __del__ = close

    def _check(self, status: int) -> None:
        if status:
            raise _errors.error(status, lib.quern_run_message(self.handle).decode())

    def prepare(self, files: Files, options: Mapping[str, Any]) -> Run:
        """Sets options, and adds files or what matches patterns. What is wrong fails the run, on all ranks."""
        for name, value in settings(options):
            text = None if value is None else os.fsencode(value)
            lib.quern_run_set(self.handle, name.encode(), text)
        for file in listed(files):
            lib.quern_run_add_file(self.handle, os.fsencode(file))
        return self

    def output(self, file: str) -> None:
        """Has rows go to a file while the run works, if it is one that takes them. Of rank 0; as `prepare`."""
        lib.quern_run_output(self.handle, os.fsencode(file))

    def write(self, file: str) -> None:
        """Writes the result to a file."""
        self._check(lib.quern_run_write(self.handle, os.fsencode(file)))

    def _callback(self, show: Any) -> Any:
        """Shows the progress. What that raises cancels the run, and is raised when it has ended."""

        def progress(_: int, pass_: int, done: int, total: int) -> bool:
            try:
                if show:
                    show(pass_, done, total)
            except BaseException as e:  # C has no exceptions
                self._raised = e
            return self._raised is None

        return _library.PROGRESS(progress)

    @contextmanager
    def _noting_interrupts(self) -> Iterator[None]:
        """Ctrl-C cancels at the next callback. Python would raise an exception there that C swallows."""
        before = signal.getsignal(signal.SIGINT)
        ours = before is signal.default_int_handler
        if not ours or threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(*_: Any) -> None:
            self._raised = KeyboardInterrupt()

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def execute(self, progress: ProgressLike = False) -> Run:
        """Runs. Collective on the session."""
        show = _progress.shown(progress)
        callback = self._callback(show)
        lib.quern_run_progress(self.handle, callback, None)
        with self._noting_interrupts():
            status = lib.quern_run_execute(self.handle)
        if show:
            show.close()
        if self._raised:
            raise self._raised
        self._check(status)
        return self

    def plan(self) -> str:
        """Plans, and returns the document of the plan. Collective on the session."""
        self._check(lib.quern_run_plan(self.handle))
        return _library.take_text(lib.quern_run_plan_document(self.handle)) or "null"

    def document(self, details: bool = False) -> Document:
        """The document, where there is one. With details a result of more than 100,000 cells is not in it."""
        if details not in self._documents:
            text = _library.take_text(lib.quern_run_document(self.handle, details))
            self._documents[details] = _document.of_text(text)
        return self._documents[details]

    def warn(self, stacklevel: int) -> Run:
        """Passes the library's warnings on to Python."""
        i = 0
        while text := lib.quern_run_warning(self.handle, i):
            warnings.warn(text.decode(), _errors.QuernWarning, stacklevel=stacklevel + 1)
            i += 1
        return self


def _joined(kernel: str | Iterable[str]) -> str:
    return kernel if isinstance(kernel, str) else ",".join(kernel)


def session_of(comm: Any) -> tuple[_session.Session, bool]:
    """The session that is meant, and whether it is for one run."""
    if comm is None:
        return _session.own(), False
    if isinstance(comm, _session.Session):
        return comm, False
    return _session.Session(comm), True


def run_to_result(
    made: Run,
    session: _session.Session,
    output: str | os.PathLike[str] | None,
    progress: ProgressLike,
) -> _result.Result | _result.Results | None:
    """Runs, for the caller of the caller. Collective; the result is on rank 0, and of what goes to a file there."""
    if output is not None and not session.rank:
        made.output(os.fspath(output))
    made.execute(progress)
    if output is not None:
        session.on_first(lambda: made.write(os.fspath(output)))
    return None if session.rank else _result.of_run(made.warn(stacklevel=3))


def run(
    kernel: str | Iterable[str],
    files: Files,
    *,
    comm: Any = None,
    progress: ProgressLike = None,
    output: str | os.PathLike[str] | None = None,
    **options: Any,
) -> _result.Result | _result.Results | None:
    """Runs a kernel, or several at once, over a dataset of files.

    Parameters
    ----------
    kernel : str or iterable of str
        "moments", "mean,minmax" or ["mean", "minmax"]; `quern.kernels()` lists them.
    files : path, or iterable of paths
        Several are joined along the first dimension of the dataset, or along that of the option
        `along`, or put on top of each other with `stack`. Patterns are expanded.
    comm : mpi4py.MPI.Comm or Session, optional
        Whose ranks share the work; all call with the same arguments. Without it this process works
        alone, on all its cores.
    progress : bool or callable, optional
        True, False, or a function of the pass, the bytes done and those in all, which is called a
        few times a second. By default it is shown in a notebook, and where standard error is a
        terminal.
    output : path, optional
        A file for the result: .json, .csv, .h5 or .nc. Of the last two the result is never whole in
        memory, and what is returned has no fields.
    **options
        Those of `quern run`, by their names with `_` for `-`: dataset, select, over, by, where, expr,
        weights, threads ..., and those of the kernel. `with_` is `--with`. True sets a flag; lists
        have commas between them on the command line; None and False stand for what is not set.

    Returns
    -------
    Result, or Results where `dataset` names several; None on ranks other than 0.

    Raises
    ------
    UsageError, DataError, DeniedError, Interrupted, Error
        With the library's message; all ranks raise the same.
    KeyboardInterrupt, or what `progress` has raised
        On the rank where it was; the others raise Interrupted.

    Examples
    --------
    >>> r = quern.run("moments", "climate.nc", dataset="t2m", over="time")
    >>> r["mean"].shape
    (181, 360)
    """
    session, once = session_of(comm)
    try:
        made = Run(session, _joined(kernel)).prepare(files, options)
        return run_to_result(made, session, output, progress)
    finally:
        if once:
            session.close()


def plan(
    kernel: str | Iterable[str], files: Files, *, comm: Any = None, **options: Any
) -> Document | None:
    """What `run` would do where, as the document of `quern plan`; None on ranks other than 0."""
    session, once = session_of(comm)
    try:
        made = Run(session, _joined(kernel)).prepare(files, options)
        document = _document.of_text(made.plan())
        made.warn(stacklevel=2)
        return document
    finally:
        if once:
            session.close()
