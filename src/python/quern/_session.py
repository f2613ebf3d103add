"""Sessions: what runs have in common, on the ranks of a communicator or in this process alone."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Callable

from . import _errors, _library

lib = _library.lib


class Session:
    """The ranks that runs work on. Their set-up is paid once.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        Its ranks work together: all make the session, call `run` with the same arguments, and rank 0
        has the result. Without it, this process works alone, and MPI is not begun.

    Notes
    -----
    A session is for one thread at a time. Collective on `comm`, as is `close`.
    """

    def __init__(self, comm: Any = None) -> None:
        self._handle = lib.quern_session_new_f(_library.NO_MPI if comm is None else comm.py2f())
        if not self._handle:
            raise MemoryError("no memory for a session")
        status = lib.quern_session_status(self._handle)
        if status:
            message = lib.quern_session_message(self._handle).decode()
            self.close()
            raise _errors.error(status, message)
        self.rank = 0 if comm is None else comm.Get_rank()
        self._comm = comm

    def on_first(self, action: Callable[[], None]) -> None:
        """Does it on rank 0. Collective: what that raises is raised on all ranks."""
        raised = None
        if not self.rank:
            try:
                action()
            except Exception as e:
                raised = e
        if self._comm is not None:
            raised = self._comm.bcast(raised, root=0)
        if raised is not None:
            raise raised

    @property
    def handle(self) -> int:
        """What the library knows it by."""
        if not self._handle:
            raise _errors.UsageError("the session is closed")
        return self._handle

    def close(self) -> None:
        """Frees it; runs that were made with it keep their results."""
        if self._handle:
            lib.quern_session_free(self._handle)
            self._handle = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _Own(threading.local):
    """The session of this thread, without MPI. A process that was forked needs another."""

    pid = 0
    session: Session | None = None


_own = _Own()


def _free(session_handle: int, pid: int) -> None:
    """Of a process that was forked it is not: the threads of the session are not in it."""
    if pid == os.getpid():
        lib.quern_session_free(session_handle)


def own() -> Session:
    """The session of this thread alone, which is freed when the thread has ended."""
    if _own.session is None or _own.pid != os.getpid():
        _own.session, _own.pid = Session(), os.getpid()
        # Not at the end of the process, when other threads may be inside a run.
        weakref.finalize(_own.session, _free, _own.session.handle, _own.pid).atexit = False
    return _own.session
