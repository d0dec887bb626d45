"""The till as an app on a device: pairing, manifest, the worker that keeps its shell, and what stands there without a network."""

import hashlib

from flask import Response, jsonify, render_template
from flask.typing import ResponseReturnValue

from app.till.frame import blueprint
from base.auth.guard import open_to_all
from base.version import VERSION
from base.web.blueprint import static_url
from base.web.i18n import OWN_NAMES, current_language
from base.web.i18n import gettext as _

# What a till needs to show itself without a network. No page of the server but the one that says so.
SHELL = (
    "vendor/bootstrap.min.css",
    "jifen.css",
    "theme.js",
    "jifen.js",
    "till-keys.js",
    "till-codes.js",
    "till-signals.js",
    "till-asking.js",
    "till-camera.js",
    "till.js",
    "favicon.svg",
    "till-icon-192.png",
)
ICONS = (
    ("till-icon-192.png", 192, "any"),
    ("till-icon-512.png", 512, "any"),
    ("till-icon-maskable.png", 512, "maskable"),
)


@blueprint.route("/pair")
@open_to_all
def pair_form() -> ResponseReturnValue:
    """Terminal and six digits; the browser makes the key and sends its public half to the API."""
    return render_template("till/pair.html", home_url="/till")


@blueprint.route("/offline")
@open_to_all
def offline() -> ResponseReturnValue:
    """What can be done without a network; kept by the worker in both languages."""
    return render_template("till/offline.html", home_url="/till", kept=True)


@blueprint.route("/manifest.webmanifest")
@open_to_all
def manifest() -> Response:
    """How the till is installed, in the reader's language."""
    answer = jsonify(
        id="/till",
        name=_("jifen till"),
        short_name=_("Till"),
        lang=current_language(),
        start_url="/till",
        scope="/till",
        display="standalone",
        background_color="#faf6f0",
        theme_color="#b5440e",
        icons=[
            {"src": static_url(name), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
            for name, size, purpose in ICONS
        ],
    )
    answer.mimetype = "application/manifest+json"
    return answer


@blueprint.route("/worker.js")
@open_to_all
def worker() -> Response:
    """The service worker; another one as soon as a file of the shell, or the page without a network, changes."""
    files = [static_url(name) for name in SHELL]
    pages = {tag: f"/till/offline?lang={tag}" for tag in OWN_NAMES}
    version = hashlib.sha256(" ".join([VERSION, *files, *pages]).encode()).hexdigest()[:12]
    answer = Response(render_template("till/worker.js", files=files, pages=pages, version=version))
    answer.mimetype = "text/javascript"
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["Service-Worker-Allowed"] = "/till"
    return answer
