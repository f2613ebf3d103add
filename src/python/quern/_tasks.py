"""What a session can do besides kernels."""

from __future__ import annotations

import os
from typing import Any, Callable

from . import _errors, _library
from ._document import Document
from ._progress import ProgressLike
from ._run import Files, Run, session_of

lib = _library.lib


def _document_of(
    make: Callable[..., int | None],
    files: Files,
    comm: Any = None,
    progress: ProgressLike = False,
    **options: Any,
) -> Document | None:
    """Does it. What is damaged is an exception that has the document too."""
    session, once = session_of(comm)
    try:
        made = Run(session, make=make).prepare(files, options)
        try:
            made.execute(progress)
        except _errors.DataError as e:
            e.document = None if session.rank else made.document() or None
            raise
        made.warn(stacklevel=3)
        return None if session.rank else made.document()
    finally:
        if once:
            session.close()


def inspect(file: str | os.PathLike[str], **options: Any) -> Document:
    """The datasets of a file, as the document of `quern inspect`.

    Parameters
    ----------
    file : path
        One file.
    **options
        dataset, column, select, metadata_timeout, chunk_timeout, allow_external.

    Returns
    -------
    Document
        `datasets`: of each its path, dtype, shape, dims, layout, filters, chunks, what of it is in the page
        cache, ...

    Examples
    --------
    >>> quern.inspect("climate.nc", dataset="t2m").datasets[0].shape
    [480, 181, 360]
    """
    found = _document_of(lib.quern_inspect_new, file, **options)
    assert found is not None
    return found


def homes(
    files: Files, *, comm: Any = None, progress: ProgressLike = None, **options: Any
) -> Document | None:
    """Where the bytes of datasets are: hosts, NUMA nodes and tiers, as the document of `quern inspect --homes`.

    Parameters
    ----------
    files : path, or iterable of paths
        Several are joined as for a run.
    comm, progress
        As of `quern.run`.
    **options
        dataset, along, stack, ...; without `dataset` all datasets of the first file are meant.

    Returns
    -------
    Document; None on ranks other than 0.
    """
    return _document_of(lib.quern_homes_new, files, comm, progress, **options)


def verify(
    files: Files, *, comm: Any = None, progress: ProgressLike = None, **options: Any
) -> Document | None:
    """Reads and decodes every chunk of every dataset, and holds them against their checksums.

    Parameters
    ----------
    files : path, or iterable of paths
        Patterns are expanded.
    comm, progress
        As of `quern.run`; the progress is told the number of the file in the place of a pass.
    **options
        dataset, sums, write_sums, threads, ... of `quern verify`.

    Returns
    -------
    Document; None on ranks other than 0
        `files`: of each its name, bytes, and `datasets` with the numbers of their chunks: chunks,
        damaged, checksummed, summed, unchecked.

    Raises
    ------
    DataError
        There is damage, of which its `document` has all, or a file cannot be read.

    Examples
    --------
    >>> quern.verify("climate.nc", write_sums="climate.sums")
    >>> quern.verify("copy/climate.nc", sums="climate.sums").files[0].datasets[0].damaged
    0
    """
    return _document_of(lib.quern_verify_new, files, comm, progress, **options)


def stage(
    files: Files,
    to: str | os.PathLike[str] | None = None,
    *,
    comm: Any = None,
    progress: ProgressLike = None,
    **options: Any,
) -> Document | None:
    """Spreads datasets as shards over the disks of the hosts, and writes a catalog that runs go over.

    Parameters
    ----------
    files : path, or iterable of paths
        With `verify=True` or `repair=True` they are catalogs.
    to : path, optional
        The directory, on a disk of each host, for the catalog and the shards; needed but for catalogs.
    comm, progress
        As of `quern.run`.
    **options
        replicas, dataset, cut, dry_run, verify, repair, ... of `quern stage`.

    Returns
    -------
    Document; None on ranks other than 0.

    Raises
    ------
    DataError
        Copies are not as they should be, or a file could not be staged: its `document` has which.
    """
    where = None if to is None else os.fspath(to)
    return _document_of(lib.quern_stage_new, files, comm, progress, to=where, **options)


def unstage(
    catalogs: Files, *, comm: Any = None, progress: ProgressLike = None, **options: Any
) -> Document | None:
    """Removes catalogs, and the shards that they list, from all hosts.

    Parameters
    ----------
    catalogs : path, or iterable of paths
        What `quern.stage` has written.
    comm, progress
        As of `quern.run`.
    **options
        Those of `quern unstage`.

    Returns
    -------
    Document; None on ranks other than 0.

    Raises
    ------
    DataError
        Something is left: its `document` has what.
    """
    return _document_of(lib.quern_unstage_new, catalogs, comm, progress, **options)
