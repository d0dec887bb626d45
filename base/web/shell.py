"""A face as an app on a device: its manifest, and the service worker that keeps its files and what stands there without a network."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response, jsonify, render_template

from base.version import VERSION
from base.web.blueprint import static_url
from base.web.i18n import current_language

PAPER, BRAND = "#faf6f0", "#b5440e"


@dataclass(frozen=True)
class Shell:
    """What one face keeps on a device. `name`: of its caches and icons; `scope`: the path its worker answers for.

    `files`: static files that its pages need; `pages`: what to keep by a word, an address each, fetched without cookies.
    """

    name: str
    scope: str
    template: str
    files: Sequence[str]
    pages: Mapping[str, str]


def manifest(shell: Shell, name: str, short_name: str) -> Response:
    """How the face is installed, in the reader's language."""
    answer = jsonify(
        id=shell.scope,
        name=name,
        short_name=short_name,
        lang=current_language(),
        start_url=shell.scope,
        scope=shell.scope,
        display="standalone",
        background_color=PAPER,
        theme_color=BRAND,
        icons=[
            {
                "src": static_url(f"{shell.name}-icon-{kind}.png"),
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": purpose,
            }
            for kind, size, purpose in (
                ("192", 192, "any"),
                ("512", 512, "any"),
                ("maskable", 512, "maskable"),
            )
        ],
    )
    answer.mimetype = "application/manifest+json"
    return answer


def worker(shell: Shell) -> Response:
    """The service worker; another one as soon as a file of the shell, or a page that it keeps, changes."""
    files = [static_url(name) for name in shell.files]
    version = hashlib.sha256(" ".join([VERSION, *files, *shell.pages]).encode()).hexdigest()[:12]
    answer = Response(
        render_template(shell.template, shell=shell, files=files, pages=shell.pages, version=version)
    )
    answer.mimetype = "text/javascript"
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["Service-Worker-Allowed"] = shell.scope
    return answer
