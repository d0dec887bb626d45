"""The pages about the product: whole in both languages, true to the server, readable without script."""

import inspect
import json
import re
from html.parser import HTMLParser

import pytest

from app.docs import description
from base.auth.guard import permission_of
from base.errors import every_problem
from base.http.problems import status_of
from base.web.i18n import speaking
from tests.given import caller, given_member, given_programme

VOID = frozenset(("br", "hr", "img", "input", "link", "meta", "path", "rect", "circle"))


class Page(HTMLParser):
    """The tags and the text of a page; each tag that is opened must be closed."""

    def __init__(self, answer):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(answer.text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def ids(self):
        return [attrs["id"] for _, attrs in self.tags if "id" in attrs]


def served(app, path, language="en"):
    return app.test_client().get(path, headers={"Accept-Language": language})


def operations(app):
    spec = json.loads(served(app, "/openapi.json").data)
    return [
        (method, path, item[method])
        for path, item in spec["paths"].items()
        for method in description.METHODS
        if method in item
    ]


def view_of(app, method, path):
    """The view that answers an operation of the description."""
    address = re.sub(r"\{[^}]+\}", "1", path)
    endpoint, _ = app.url_map.bind("localhost").match(address, method=method.upper())
    return endpoint, app.view_functions[endpoint]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(
    "path", ["/docs", "/problems", "/problems/", "/problems/not-enough-points", "/dev/outbox"]
)
def test_every_page_is_whole_in_both_languages(app, path, language):
    answer = served(app, path, language)

    page = Page(answer)
    assert answer.status_code == 200
    assert answer.headers["Content-Language"] == page.all("html")[0]["lang"] == language
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert len(page.ids) == len(set(page.ids))


def test_no_page_has_a_script_or_style_of_its_own_or_leaves_the_origin(app):
    for path in ("/docs", "/problems", "/dev/outbox"):
        page = Page(served(app, path))

        assert all("src" in attrs for attrs in page.all("script"))
        assert not page.all("style")
        assert not [
            attrs for _, attrs in page.tags if "style" in attrs or any(n.startswith("on") for n in attrs)
        ]
        links = [attrs.get("href", attrs.get("src", "/")) for _, attrs in page.tags]
        assert all(link.startswith(("/", "#", "?")) for link in links)


def test_the_api_page_shows_every_operation_with_its_permission(app):
    page = Page(served(app, "/docs"))

    for method, path, _ in operations(app):
        endpoint, _ = view_of(app, method, path)
        assert f"{method.upper()} {path}" in page.words
        permission = permission_of(app, endpoint)
        assert permission is not None
        assert permission == "public" or permission in page.words


def test_every_link_within_the_api_page_leads_somewhere(app):
    page = Page(served(app, "/docs"))

    inside = {attrs["href"][1:] for attrs in page.all("a") if attrs["href"].startswith("#")}

    assert inside <= set(page.ids)
    assert {"schema-RedemptionView", "post-redemptions", "group-wallets"} <= inside


def test_the_example_carries_the_headers_that_the_call_needs(app):
    text = served(app, "/docs").text
    examples = dict(re.findall(r'<pre [^>]*id="curl-([^"]+)">(.*?)</pre>', text, re.S))

    assert "Authorization: Bearer $TOKEN" in examples["post-redemptions"]
    assert "Idempotency-Key: $KEY" in examples["post-redemptions"]
    assert "&#34;quote&#34;: &#34;...&#34;" in examples["post-redemptions"]
    assert "Idempotency-Key" not in examples["post-quotes"]
    assert "Idempotency-Key" not in examples["post-bill-lines"]
    assert "Authorization" not in examples["post-sign-ins"]
    assert examples["get-statements"].startswith("curl &#34;http://localhost/v1/statements?merchant=...")


def told_with_its_helpers(view) -> str:
    """The source of a view and of its file's own functions that it calls."""
    source = inspect.getsource(view)
    helpers = (view.__globals__.get(name) for name in re.findall(r"\b(_\w+)\(", source))
    return source + "".join(inspect.getsource(helper) for helper in helpers if inspect.isfunction(helper))


def test_the_calls_that_say_they_need_a_key_are_those_whose_view_takes_one(app):
    for method, path, told in operations(app):
        _, view = view_of(app, method, path)
        says = description.KEY_HEADER in told.get("summary", "") + told.get("description", "")

        own, whole = inspect.getsource(inspect.unwrap(view)), told_with_its_helpers(inspect.unwrap(view))
        assert says == ("answer_once(" in whole or "idempotency.checked(" in own), f"{method} {path}"


def test_wide_things_scroll_alone_so_that_a_narrow_screen_does_not(app):
    page = Page(served(app, "/docs"))

    assert all(attrs["tabindex"] == "0" for attrs in page.all("pre"))
    regions = [attrs for attrs in page.all("div") if attrs.get("class") == "jf-table"]
    assert len(regions) == len(page.all("table")) > 20


def test_limits_and_choices_are_told_in_words():
    with speaking("en"):
        fields = description.schemas(SPEC, [GROUP])[0].fields

    assert [(f.name, f.type, f.schema, f.facts, f.required) for f in fields] == [
        ("count", "whole number", None, ("1 to 9", "if absent: 1"), False),
        ("kind", "text", None, ("one of: a, b", "may be null"), True),
        ("rows", "list of", "Row", (), False),
        ("when", "moment", None, (), False),
    ]


def test_schemas_within_schemas_are_shown_once_each():
    assert [schema.name for schema in description.schemas(SPEC, [GROUP])] == ["Asked", "Row"]


SPEC = {
    "components": {
        "schemas": {
            "Asked": {
                "properties": {
                    "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 1},
                    "kind": {"type": ["string", "null"], "enum": ["a", "b", None]},
                    "rows": {"type": "array", "items": {"$ref": "#/components/schemas/Row"}},
                    "when": {"type": "string", "format": "date-time"},
                },
                "required": ["kind"],
            },
            "Row": {"properties": {"inner": {"$ref": "#/components/schemas/Row"}}},
            "Unused": {"properties": {}},
        }
    }
}
GROUP = description.Group(
    "things",
    "Things",
    (
        description.Operation(
            name="post-things",
            method="POST",
            path="/v1/things",
            text="",
            permission="public",
            holders=(),
            writes_once=False,
            parameters=(),
            sent=description.Body("Asked"),
            answered=description.Body("Row", many=True),
            status="201",
            curl="",
        ),
    ),
)


def test_the_list_of_problems_names_each_with_its_status(app):
    text = served(app, "/problems").text

    for kind in every_problem():
        assert f'<a href="/problems/{kind.type_name()}">' in text
        assert f"<td>{status_of(kind)}</td>" in text


def test_the_type_of_a_refusal_is_an_address_that_explains_it(app, db):
    refused = caller(app).post("/v1/sign-ins/code", {"programme": "none", "phone": "13900000000"})

    explained = served(app, json.loads(refused.data)["type"], "zh-CN")

    assert refused.status_code == 404
    assert explained.status_code == 200
    assert "没有该积分计划" in explained.text


def test_a_type_that_is_none_is_not_found(app):
    assert served(app, "/problems/no-such-thing").status_code == 404


def test_messages_are_shown_newest_first_and_as_json(app, db):
    programme = given_programme()
    phones = ["13900000001", "13900000002"]
    for phone in phones:
        given_member(db, programme, phone=phone)
        caller(app).post("/v1/sign-ins/code", {"programme": programme.code, "phone": phone})

    text = served(app, "/dev/outbox").text
    rows = app.test_client().get("/dev/outbox", headers={"Accept": "application/json"}).json

    assert text.index(phones[1]) < text.index(phones[0])
    assert rows is not None
    assert [row["receiver"] for row in rows] == phones[::-1]
    assert rows[0]["text"] in text
    assert {(row["state"], row["template"], row["reason"]) for row in rows} == {
        ("written", "sign-in-code", None)
    }
    assert text.count("Waiting") == 2
