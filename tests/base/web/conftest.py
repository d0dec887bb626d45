import pytest
from flask import Flask, g

from base.web import blueprint


@pytest.fixture
def app():
    app = Flask("tiny", static_folder=None)
    app.secret_key = "only for tests"
    blueprint.init(app)

    @app.before_request
    def name_the_request():
        g.request_id = "req_1234"

    return app
