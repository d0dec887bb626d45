"""Each template renders in both languages, with one h1, and keeps to the content security policy."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import flash, render_template, render_template_string

from base import clock
from base.errors import OverLimit, every_problem
from base.web.catalog import PACKAGES, ROOT

MENU = [
    {"label": "A", "href": "/a", "icon": "home"},
    {"label": "B", "href": "/b", "icon": "gift", "badge": 1200},
]
GROUPED = [{"label": "A", "href": "/a"}, {"label": "G", "links": [{"label": "B", "href": "/b/c"}]}]
PERSON = {
    "name": "li.na",
    "sign_out": "/out",
    "shift": "/shift",
    "outlet": "O",
    "terminal": "T",
    "clerk": "07",
}
CHILD = "{%% extends '%s' %%}{%% block title %%}T{%% endblock %%}{%% block content %%}in it{%% endblock %%}"
BODY = {
    "type": "/problems/over-limit",
    "title": "This would go over a limit.",
    "detail": "500 a day",
    "status": 403,
    "next": "Choose a smaller amount.",
}


def child(base, **values):
    return lambda: render_template_string(CHILD % base, staff=PERSON, till=PERSON, **values)


PAGES = {
    "base": child("base.html"),
    "member": child("member_base.html", nav=MENU),
    "member without menu": child("member_base.html"),
    "till": child("till_base.html", nav=MENU),
    "staff": child("staff_base.html", nav=GROUPED),
    "404": lambda: render_template("errors/404.html"),
    "404 with a name": lambda: render_template("errors/404.html", problem=BODY),
    "500": lambda: render_template("errors/500.html"),
    "503": lambda: render_template("errors/503.html"),
    "problem": lambda: render_template("errors/problem.html", problem=BODY),
    "problem, points moved": lambda: render_template("errors/problem.html", problem=BODY, moved=True),
    "problems": lambda: render_template(
        "problems/index.html", problems=[(kind, 400) for kind in every_problem()]
    ),
    "one problem": lambda: render_template("problems/page.html", kind=OverLimit, status=403),
}


def page(app, view, path="/b", language="en"):
    with app.test_request_context(f"{path}?lang={language}"):
        app.preprocess_request()
        return view()


class Tags(HTMLParser):
    VOID = frozenset(("br", "hr", "img", "input", "link", "meta", "path", "rect", "circle"))

    def __init__(self, text):
        super().__init__()
        self.seen, self.open = [], []
        self.feed(
            re.sub("<template.*?</template>", "", text, flags=re.DOTALL)
        )  # not in the page until script puts it there

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in <{tag}>: {attrs}"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def all(self, tag):
        return [attrs for name, attrs in self.seen if name == tag]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_whole_in_both_languages(app, name, language):
    tags = Tags(page(app, PAGES[name], language=language))

    assert not tags.open
    assert len(tags.all("h1")) == len(tags.all("main")) == 1
    assert tags.all("html")[0]["lang"] == language
    ids = [attrs["id"] for _, attrs in tags.seen if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert all(attrs.get("href", attrs.get("src", "/")).startswith(("/", "?", "#")) for _, attrs in tags.seen)


def test_the_menu_marks_the_present_page(app):
    member, staff = page(app, PAGES["member"]), page(app, PAGES["staff"], "/b/c/d")

    assert [link["href"] for link in Tags(member).all("a") if link.get("aria-current")] == ["/b"]
    assert [link["href"] for link in Tags(staff).all("a") if link.get("aria-current")] == ["/b/c"]
    assert "1,200" in member


def test_the_language_link_keeps_the_rest_of_the_address(app):
    app.add_url_rule("/b", view_func=PAGES["base"])

    text = app.test_client().get("/b?lang=en&q=a%26b&q=c").text

    assert 'href="?q=a%26b&amp;q=c&amp;lang=zh-CN"' in text


def test_an_error_page_says_what_happened_whether_points_moved_what_next_and_the_request(app):
    text = page(app, PAGES["problem"])

    for part in (
        "This would go over a limit.",
        "No. Your points",
        "Choose a smaller amount.",
        "500 a day",
        "req_1234",
    ):
        assert part in text


def test_only_error_pages_show_the_request_number(app):
    assert "req_1234" not in page(app, PAGES["base"])


@pytest.mark.attack("A13")
def test_messages_are_escaped_and_have_a_tone(app):
    def view():
        flash("<b>saved</b>", "success")
        flash("no", "error")
        return PAGES["base"]()

    text = page(app, view)

    assert "&lt;b&gt;saved" in text
    assert "alert-success" in text
    assert "alert-danger" in text


MACROS = Path(__file__).with_name("every_macro.html").read_text("utf-8")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_macros_give_whole_and_escaped_markup(app, language):
    text = page(
        app, lambda: render_template_string(MACROS, at=clock.now() + timedelta(minutes=5)), language=language
    )

    tags = Tags(text)
    assert not tags.open
    assert not tags.all("i")
    assert tags.all("em")
    assert "secret" not in text
    number = next(attrs for attrs in tags.all("input") if attrs.get("name") == "n")
    assert number["class"].split() == ["form-control", "is-invalid", "x"]
    assert number["value"] == '"<i>'
    assert number["aria-describedby"] == "n-error n-hint"
    assert number["min"] == "0"
    assert {"data-focus", "required"} <= number.keys()
    assert "list" not in number


def every_template():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.html")):
            if "templates" in path.parts:
                yield path


INLINE = {
    "a script in the page": re.compile(r"<script(?![^>]*\ssrc=)", re.I),
    "a style in the page": re.compile(r"<style|\sstyle\s*=", re.I),
    "an event handler in the page": re.compile(r"\s(?:on[a-z]+|hx-on[\w:-]*)\s*=\s*[\"'{]", re.I),
    "a javascript: address": re.compile(r"javascript:", re.I),
    "an expression htmx would evaluate": re.compile(
        r"hx-(?:vals|headers|trigger)\s*=\s*[\"'](?:js:|[^\"']*\[)", re.I
    ),
    "another origin": re.compile(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", re.I),
}


@pytest.mark.attack("A13")
def test_no_template_breaks_the_content_security_policy():
    broken = [
        f"{path.relative_to(ROOT)}: {what}"
        for path in every_template()
        for what, pattern in INLINE.items()
        if pattern.search(path.read_text("utf-8"))
    ]

    assert not broken, "\n".join(broken)
