"""What the web server runs: `gunicorn app.serve:application()`."""

from flask import Flask

from app import create_app, safeguards
from app.wiring import wire
from base import logs, process
from base.config import Config


def application() -> Flask:
    """The application of one worker process, wired to its own connections; UnsafeDatabase, OtherSealKey."""
    config = Config.from_env()
    logs.init(as_json=True)
    wire(config)
    safeguards.demand(config)
    safeguards.same_key(config)
    made = create_app(config)
    process.settle()
    return made
