from datetime import UTC, date, datetime

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from base.web import formats
from base.web.i18n import LOCALES, both, current_language, gettext, say, speaking


@pytest.fixture
def client(app):
    app.add_url_rule("/which", view_func=lambda: f"{current_language()} {gettext('Used')}")
    return app.test_client()


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("en", "en Used"),
        ("en-GB,zh;q=0.5", "en Used"),
        ("zh-TW", "zh-CN 已使用"),
        ("fr, en;q=0.3", "en Used"),
        ("fr", "zh-CN 已使用"),
        ("", "zh-CN 已使用"),
    ],
)
def test_the_browser_is_answered_in_its_language_or_in_the_default(client, asked, answered):
    assert client.get("/which", headers={"Accept-Language": asked}).text == answered


def test_a_chosen_language_is_remembered_and_wins_over_the_browser(client):
    chosen = client.get("/which?lang=en", headers={"Accept-Language": "zh-CN"})
    later = client.get("/which", headers={"Accept-Language": "zh-CN"})

    assert chosen.text == later.text == "en Used"
    assert chosen.headers["Content-Language"] == "en"


def test_an_unknown_language_is_not_remembered(client):
    client.get("/which?lang=xx")

    assert client.get("/which", headers={"Accept-Language": "en"}).text == "en Used"


def test_caches_are_told_that_the_answer_depends_on_the_language(client):
    assert {"Accept-Language", "Cookie"} <= set(client.get("/which").vary)


def test_a_job_without_a_request_speaks_any_language():
    assert say("zh-CN", "worth about %(money)s", money="¥1") == "约值 ¥1"
    assert say("en", "worth about %(money)s", money="¥1") == "worth about ¥1"
    assert current_language() == "zh-CN"


def test_a_job_formats_figures_in_the_language_it_speaks():
    with speaking("en"):
        assert (formats.points(1234), formats.moment(AT)) == ("1,234 points", "Mar 6, 2026 02:30")
    assert (formats.points(1234), formats.moment(AT)) == ("1,234 分", "2026年3月6日 02:30")


def test_a_name_missing_in_one_language_is_shown_in_another(app):
    with app.test_request_context("/?lang=en"):
        app.preprocess_request()

        assert both({"zh-CN": "咖啡", "en": "Coffee"}) == "Coffee"
        assert both({"zh-CN": "咖啡", "en": ""}) == "咖啡"
        assert both({}) == both(None) == ""


AT = datetime(2026, 3, 5, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "chinese", "english"),
    [
        ("1250|fen", "¥12.50", "¥12.50"),
        ("(-5)|fen", "-¥0.05", "-¥0.05"),
        ("123456789|fen('USD')", "US$1,234,567.89", "$1,234,567.89"),
        ("none|fen", "—", "—"),
        ("1234|points", "1,234 分", "1,234 points"),
        ("1|points", "1 分", "1 point"),
        ("0|points", "0 分", "0 points"),
        ("1234567|number", "1,234,567", "1,234,567"),
        ("120|signed ~ ' ' ~ (-120)|signed ~ ' ' ~ 0|signed", "+120 −120 0", "+120 −120 0"),
        ("1250|percent", "12.5%", "12.5%"),
        ("day|day", "2026年3月5日", "Mar 5, 2026"),
        ("at|day", "2026年3月6日", "Mar 6, 2026"),
        ("'2026-03-05'|day", "2026年3月5日", "Mar 5, 2026"),
        ("day|month_day", "3月5日", "Mar 5"),
        ("at|moment", "2026年3月6日 02:30", "Mar 6, 2026 02:30"),
        ("at|moment('UTC')", "2026年3月5日 18:30", "Mar 5, 2026 18:30"),
        ("at|time_of_day", "02:30", "02:30"),
        (
            "at|iso ~ ' ' ~ day|iso",
            "2026-03-05T18:30:00+00:00 2026-03-05",
            "2026-03-05T18:30:00+00:00 2026-03-05",
        ),
        ("none|day", "—", "—"),
    ],
)
def test_figures_read_as_in_each_language(app, text, chinese, english):
    for tag, expected in (("zh-CN", chinese), ("en", english)):
        with app.test_request_context(f"/?lang={tag}"):
            app.preprocess_request()
            shown = app.jinja_env.from_string("{{ " + text + " }}").render(at=AT, day=date(2026, 3, 5))
        assert shown == expected


@given(amount=st.integers(-(10**18), 10**18))
def test_whole_numbers_read_as_babel_has_them_in_every_language_of_ours(amount):
    assert {format_decimal(amount, locale=name) for name in LOCALES.values()} == {formats.number(amount)}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("_('about %(name)s, 5 %% more', name='<b>')", "about &lt;b&gt;, 5 % more"),
        ("_('about %(name)s', name='<b>'|safe)", "about <b>"),
        ("_('5 %%')", "5 %"),
        ("ngettext('%(num)s of %(name)s', '%(num)s of all %(name)s', 2, name='<b>')", "2 of all &lt;b&gt;"),
    ],
)
def test_texts_on_pages_take_facts_and_escape_them_and_always_read_two_per_cent_signs_as_one(
    app, text, shown
):
    app.jinja_env.autoescape = True  # as in every .html
    with app.test_request_context("/?lang=en"):
        app.preprocess_request()

        assert app.jinja_env.from_string("{{ " + text + " }}").render() == shown
        assert app.jinja_env.from_string("{{ " + text + " }}").render() == shown


def test_moments_are_shown_in_the_zone_of_the_app(app):
    formats.init(app, "Europe/London")

    with app.test_request_context("/"):
        assert formats.time_of_day(AT) == "18:30"
