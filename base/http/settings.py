"""The configuration of the running web application."""

from flask import Flask, current_app

from base.config import Config


def keep(app: Flask, config: Config) -> None:
    """Make the configuration known to the application's views."""
    app.extensions["jifen_config"] = config


def config() -> Config:
    """The configuration, inside a request."""
    found: Config = current_app.extensions["jifen_config"]
    return found
