"""Documents of the library as objects."""

from __future__ import annotations

from typing import Any


class Document(dict):
    """A JSON document: `d["datasets"][0]["shape"]` is `d.datasets[0].shape`.

    A name that dicts have for a method, as `items`, is only had in brackets.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no field {name!r}: there are {', '.join(self)}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]


def of_text(text: str | None) -> Document:
    """The document that a text is; of none an empty one."""
    import json

    return json.loads(text or "{}", object_hook=Document)
