"""Kernels in C, of texts."""

from __future__ import annotations

import hashlib
import os
import tempfile


def _directory() -> str:
    """One of the user's own, as quern trusts no other."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    for path in (os.path.join(cache, "quern"), os.path.join(cache, "quern", "python")):
        os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def kernel(source: str) -> str:
    """Makes a kernel of the text of a C file: see quern-kernel(7).

    Parameters
    ----------
    source : str
        What defines `const struct quern_kernel quern_kernel`. It is compiled when it first runs.

    Returns
    -------
    str
        The path of a file that `quern.run` takes for a kernel. It is the same for the same text, on all
        ranks, and is kept below the user's cache, where compiled kernels are too.

    Examples
    --------
    >>> above = quern.kernel(open("above.c").read())
    >>> quern.run(above, "climate.nc", dataset="t2m", over="time", threshold=300)
    """
    text = source.encode()
    path = os.path.join(_directory(), hashlib.sha256(text).hexdigest()[:32] + ".c")
    if not os.path.exists(path):
        # Other ranks may write it too: it is there as a whole or not at all.
        handle, partial = tempfile.mkstemp(dir=os.path.dirname(path), suffix=".partial")
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        os.replace(partial, path)
    return path
