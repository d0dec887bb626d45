"""Every refusal is one kind of answer: a stable type, both languages, what to do next, and never our insides."""

import json
import re

import pytest
from flask import Flask

from app.web import create_app
from base import errors
from base.auth.guard import open_to_all
from base.http import problems
from tests.given import caller

ABSTRACT = {errors.Problem}


def every() -> list[type[errors.Problem]]:
    return [kind for kind in errors.every_problem() if kind not in ABSTRACT]


def test_every_problem_says_in_both_languages_what_happened_and_what_to_do():
    poor = {}
    for kind in every():
        texts = (kind.title("en"), kind.title("zh-CN"), kind.next_step("en"), kind.next_step("zh-CN"))
        own_zh = "zh" in vars(kind)
        if (
            not all(texts)
            or not own_zh
            or texts[0].startswith("Unable")
            or not re.search("[\u4e00-\u9fff]", texts[1])
        ):
            poor[kind.__name__] = texts

    assert len(every()) > 40
    assert poor == {}


def test_types_are_unique_and_stable_in_form():
    names = [kind.type_name() for kind in every()]

    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)


def test_every_kind_has_a_status_of_the_callers_side_or_503():
    statuses = {kind.__name__: problems.status_of(kind) for kind in every()}

    assert {
        name: status for name, status in statuses.items() if not (400 <= status < 500 or status == 503)
    } == {"InternalError": 500}


@pytest.fixture
def failing(db) -> Flask:
    """The application with three views that fail in their own ways."""
    app = create_app(db)

    def explode() -> None:
        raise RuntimeError("secret: postgresql://jifen_app:password@db")

    def refuse() -> None:
        raise errors.Conflict("the detail", retry_after_s=7, left=3, type="mine", status=200)

    app.add_url_rule("/v1/explode", "explode", open_to_all(explode))
    app.add_url_rule("/explode", "explode_page", open_to_all(lambda: explode()))
    app.add_url_rule("/v1/refuse", "refuse", open_to_all(refuse))
    return app


def test_an_error_of_ours_tells_nothing_of_our_insides(failing):
    for path in ("/v1/explode", "/explode"):
        answer = failing.test_client().get(path)

        assert answer.status_code == 500
        assert not {"secret", "password", "RuntimeError", "Traceback"} & set(re.findall(r"\w+", answer.text))
        assert answer.headers["X-Request-Id"] in answer.text


def test_facts_are_in_the_body_and_never_hide_what_every_problem_says(failing):
    answer = failing.test_client().get("/v1/refuse", headers={"Accept-Language": "en"})

    assert answer.content_type == "application/problem+json"
    assert answer.json | {"request_id": ""} == {
        "type": "/problems/conflict",
        "title": "The present state does not allow this.",
        "status": 409,
        "detail": "the detail",
        "instance": "/v1/refuse",
        "next": "Look at the present state, then decide.",
        "request_id": "",
        "left": 3,
    }
    assert answer.headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/", 404),
        ("POST", "/v1/offers", 405),
        ("GET", "/v1/quotes", 405),
        ("GET", "/v1/" + "x" * 5000, 404),
        ("GET", "/v1/%ff%00", 404),
        ("GET", "/health/nothing", 404),
    ],
)
def test_the_api_answers_with_problems_also_where_there_is_nothing(app, method, path, status):
    answer = app.test_client().open(path, method=method)

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert json.loads(answer.data)["status"] == status
    assert status != 405 or answer.headers["Allow"]


def test_a_browser_gets_a_page_and_a_program_json(app):
    page = app.test_client().get("/nothing", headers={"Accept": "text/html"})
    data = app.test_client().get("/nothing", headers={"Accept": "application/json"})

    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert (data.status_code, data.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("language", "title"), [("en", "Please sign in first."), ("zh-CN", "请先登录。"), ("fr", "请先登录。")]
)
def test_the_language_is_the_readers(app, language, title):
    answer = app.test_client().get("/v1/members/me/wallet", headers={"Accept-Language": language})

    assert answer.json["title"] == title


@pytest.mark.parametrize("given", ["abcdefgh", "x" * 64, "A-Za-z_09"])
def test_a_request_number_that_was_given_is_kept(app, given):
    assert (
        app.test_client().get("/health/live", headers={"X-Request-Id": given}).headers["X-Request-Id"]
        == given
    )


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "a b c d e f", "<script>", "12345678;9", "数字数字数字数字"]
)
def test_a_request_number_that_could_do_harm_is_replaced(app, given):
    answer = app.test_client().get("/health/live", headers={"X-Request-Id": given.encode().decode("latin-1")})

    assert re.fullmatch(r"req_[0-9a-f]{16}", answer.headers["X-Request-Id"])


@pytest.mark.attack("A13")
def test_every_answer_carries_the_headers_that_keep_browsers_safe(app):
    for path in ("/health/live", "/v1/nothing", "/nothing", "/", "/v1/members/me/wallet"):
        headers = app.test_client().get(path).headers

        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"


def test_a_problem_page_exists_for_every_type_that_is_answered(app):
    client = caller(app)

    missing = [
        kind.type_name() for kind in every() if client.get(f"/problems/{kind.type_name()}").status_code != 200
    ]

    assert missing == []
