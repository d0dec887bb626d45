"""The till as an app on a device: pairing, manifest, the worker that keeps its shell, and what stands there without a network."""

from flask import Response, render_template
from flask.typing import ResponseReturnValue

from app.till.frame import blueprint
from base.auth.guard import open_to_all
from base.web import shell
from base.web.i18n import OWN_NAMES
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
APP = shell.Shell(
    "till", "/till", "till/worker.js", SHELL, {tag: f"/till/offline?lang={tag}" for tag in OWN_NAMES}
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
    return shell.manifest(APP, _("jifen till"), _("Till"))


@blueprint.route("/worker.js")
@open_to_all
def worker() -> Response:
    """The service worker; another one as soon as a file of the shell, or the page without a network, changes."""
    return shell.worker(APP)
