"""Statuses of the library as exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._document import Document


class Error(Exception):
    """A run that failed.

    Attributes
    ----------
    status : int
        What `quern.h` calls it, and the exit code of the command: 1 the run failed, 2 wrong usage,
        3 bad or unreadable input data, 4 interrupted, 5 not permitted.
    document : Document or None
        Of what was verified or staged, with the damage: on rank 0.
    """

    status = 1
    document: Document | None = None


class UsageError(Error, ValueError):
    """An option or argument is wrong: nothing was done."""

    status = 2


class DataError(Error):
    """The input is bad, unreadable, or of a kind that the kernel cannot take."""

    status = 3


class Interrupted(Error):
    """The run was stopped on request."""

    status = 4


class DeniedError(Error):
    """Permission is missing."""

    status = 5


class QuernWarning(UserWarning):
    """What is odd and did not keep a run from success."""


_BY_STATUS = {e.status: e for e in (Error, UsageError, DataError, Interrupted, DeniedError)}


def error(status: int, message: str) -> Error:
    """The exception of a status."""
    return _BY_STATUS.get(status, Error)(message)
