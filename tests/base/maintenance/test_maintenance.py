"""Planned work: announced to everybody, read-only while it lasts, ended before its time."""

import re
from datetime import timedelta

import pytest

from base import clock, database, ids, jobs
from base.errors import Problem
from base.maintenance import maintenance
from tests.given import (
    caller,
    given_member,
    given_offer,
    given_person,
    given_programme,
    member_token,
    staff_token,
)

TEXTS = {"zh-CN": "数据库升级", "en": "The database is upgraded"}


def announced(begins=timedelta(), lasts=timedelta(hours=1), *, read_only=True, texts=TEXTS):
    at = clock.now()
    with database.begin() as session:
        made = maintenance.announce(
            session,
            given_person("security"),
            at + begins,
            at + begins + lasts,
            texts,
            read_only=read_only,
            at=at,
        )
        reference = maintenance.reference(made)
    maintenance.forget()
    return reference


@pytest.fixture
def member(app, db):
    programme = given_programme()
    given_offer(programme, "perk", value_fen=100)
    return caller(app, member_token(given_member(db, programme, points=500)))


def browser(app, *roles, language="en"):
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token(*roles))
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return client


def test_reads_go_on_and_every_write_is_refused_with_the_moment_when_it_works_again(app, db, member):
    announced(lasts=timedelta(minutes=10))

    read = member.get("/v1/members/me/wallet")
    written = member.post("/v1/quotes", {"offer": ids.public("off", 1), "units": 1})

    assert read.status_code == 200
    assert written.status_code == 503
    assert written.json["type"] == "/problems/read-only"
    assert 590 <= int(written.headers["Retry-After"]) <= 600


def test_work_that_is_only_told_lets_everything_through(app, db, member):
    announced(read_only=False)

    assert member.post("/v1/quotes", {"offer": ids.public("off", 1), "units": 1}).status_code == 404


@pytest.mark.parametrize(("language", "said"), [("en", TEXTS["en"]), ("zh-CN", TEXTS["zh-CN"])])
@pytest.mark.parametrize("path", ["/sign-in", "/staff/sign-in", "/merchant/sign-in", "/till/sign-in"])
def test_every_face_says_it_ahead_in_the_readers_language(app, db, path, language, said):
    announced(timedelta(hours=71))

    page = app.test_client().get(path, headers={"Accept-Language": language})

    assert said in page.text


def test_what_begins_later_than_three_days_is_not_told_yet(app, db):
    announced(timedelta(hours=73))

    assert TEXTS["en"] not in app.test_client().get("/sign-in", headers={"Accept-Language": "en"}).text
    assert app.test_client().get("/v1/maintenance").json == {"data": []}


def test_systems_read_it_over_the_api(app, db):
    reference = announced(timedelta(hours=1))

    (one,) = app.test_client().get("/v1/maintenance").json["data"]

    assert (one["id"], one["texts"], one["read_only"], one["is_on"]) == (reference, TEXTS, True, False)


def test_the_worker_rests_while_nothing_may_be_written(db):
    announced()

    assert maintenance.worker_rests()
    assert jobs._move_safely() == 0


def test_it_is_announced_and_ended_on_the_page_while_it_is_read_only(app, db):
    security = browser(app, "security")
    page = security.get("/staff/maintenance").text
    fields = dict(re.findall(r'name="(csrf_token|key)" value="([^"]*)"', page))
    begins = clock.now().astimezone(clock.zone("Asia/Shanghai")) + timedelta(minutes=2)
    typed = {
        "from_at": begins.strftime("%Y-%m-%dT%H:%M"),
        "until_at": (begins + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M"),
        "text_zh": "升级",
        "text_en": "Upgrade",
        "read_only": "1",
    }

    told = security.post("/staff/maintenance", data=fields | typed)
    listed = security.get("/staff/maintenance").text
    with clock.stopped(clock.now() + timedelta(minutes=3)):
        reference = re.search(r"/staff/maintenance/(mnt_\w+)/end", listed)[1]
        ended = security.post(
            f"/staff/maintenance/{reference}/end", data={"csrf_token": fields["csrf_token"]}
        )
        again = security.post(
            f"/staff/maintenance/{reference}/end", data={"csrf_token": fields["csrf_token"]}
        )
        over = maintenance.read_only(clock.now())

    assert told.status_code == 303
    assert "Upgrade" in listed
    assert ended.status_code == 303
    assert again.status_code == 409
    assert over is None


@pytest.mark.parametrize(
    ("begins", "lasts", "texts", "problem"),
    [
        (timedelta(minutes=-1), timedelta(hours=1), TEXTS, "work-out-of-bounds"),
        (timedelta(hours=1), timedelta(0), TEXTS, "work-out-of-bounds"),
        (timedelta(hours=1), timedelta(hours=25), TEXTS, "work-out-of-bounds"),
        (timedelta(hours=1), timedelta(hours=1), {"en": "only this"}, "invalid"),
        (timedelta(hours=1), timedelta(hours=1), TEXTS | {"en": "x" * 301}, "invalid"),
    ],
)
def test_what_is_no_planned_work_is_refused_by_name(db, begins, lasts, texts, problem):
    with pytest.raises(Problem) as refused:
        announced(begins, lasts, texts=texts)

    assert refused.value.type_name() == problem
    assert maintenance.shown(clock.now()) == []


def test_who_may_not_announce_sees_no_form(app, db):
    assert 'name="text_zh"' not in browser(app, "support").get("/staff/maintenance").text


@pytest.mark.parametrize("path", ["/staff/sign-in", "/staff/second-factor", "/v1/staff/sign-ins"])
def test_whoever_is_to_end_it_can_sign_in_in_both_steps_meanwhile(app, db, path):
    announced()

    assert app.test_client().post(path).status_code != 503
