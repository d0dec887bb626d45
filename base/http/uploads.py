"""Files that a form brings: one view may take more than all others, and only from whoever may send it.

What a form brings is read as it comes, into a file of this machine once it is larger than half a megabyte.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request

View = TypeVar("View", bound=Callable[..., Any])


def takes_files(most_bytes: int) -> Callable[[View], View]:
    """This view takes requests of so many bytes."""

    def mark(view: View) -> View:
        view.most_bytes = most_bytes  # type: ignore[attr-defined]
        return view

    return mark


def init(app: Flask) -> None:
    """Behind the guard, before anything reads a form."""
    app.before_request(_let_in)


def _let_in() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    most: int | None = getattr(view, "most_bytes", None)
    if most is not None:
        request.max_content_length = most
