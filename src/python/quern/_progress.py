"""How far a run is, on a terminal or in a notebook."""

from __future__ import annotations

import sys
from typing import Callable, Union

Progress = Callable[[int, int, int], None]
ProgressLike = Union[Progress, bool, None]

_WIDTH = 30


def _text(pass_: int, done: int, total: int) -> str:
    part = done / total if total else 1.0
    bar = ("#" * int(part * _WIDTH)).ljust(_WIDTH, ".")
    return f"[{bar}] {100 * part:5.1f}% of {total / 1e9:.3g} GB" + (
        f", pass {pass_ + 1}" if pass_ else ""
    )


class Terminal:
    """A line on standard error that is overwritten."""

    def __init__(self) -> None:
        self._shown = 0

    def __call__(self, pass_: int, done: int, total: int) -> None:
        text = _text(pass_, done, total)
        sys.stderr.write("\r" + text.ljust(self._shown))
        sys.stderr.flush()
        self._shown = len(text)

    def close(self) -> None:
        """Removes the line."""
        if self._shown:
            sys.stderr.write("\r" + " " * self._shown + "\r")
            sys.stderr.flush()


class Notebook:
    """An output of the cell that is replaced."""

    def __init__(self) -> None:
        self._handle = None

    def __call__(self, pass_: int, done: int, total: int) -> None:
        from IPython.display import HTML, display

        html = HTML(f"<progress value={done} max={max(total, 1)}></progress> "
                    f"<code>{_text(pass_, done, total)}</code>")
        if self._handle:
            self._handle.update(html)
        else:
            self._handle = display(html, display_id=True)

    def close(self) -> None:
        """Empties the output."""
        if self._handle:
            from IPython.display import HTML

            self._handle.update(HTML(""))


class Called:
    """A function of the caller's."""

    def __init__(self, function: Progress) -> None:
        self._function = function

    def __call__(self, pass_: int, done: int, total: int) -> None:
        self._function(pass_, done, total)

    def close(self) -> None:
        """There is nothing to remove."""


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def shown(progress: ProgressLike) -> Terminal | Notebook | Called | None:
    """Where progress is shown; None: nowhere. None asks whether somebody looks."""
    if callable(progress):
        return Called(progress)
    if progress is False:
        return None
    if _in_notebook():
        return Notebook()
    return Terminal() if progress or sys.stderr.isatty() else None
