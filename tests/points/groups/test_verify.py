"""What is wrong with spenders is found: planted behind the application's back, and named."""

import pytest
from sqlalchemy import text

from app.proof import findings
from base import clock, database
from points.caps import month
from points.kinds import FOREVER, Kind
from tests.given import ZONE, given_group, given_member, given_programme
from tests.owner import forget_everything, owner
from tests.points.test_ledger import ask, post


@pytest.fixture
def spending(db):
    """A group, its spender, and postings of every kind that moves what was spent."""
    programme = given_programme()
    ann = given_member(db, programme)
    group_id = given_group(db, programme, points=1000, caps={ann: 500})
    now = {"at": clock.now()}
    spend = post(ask(group_id, "spend", Kind.REDEEM, 100, spender_id=ann, **now)).seq
    post(ask(group_id, "back", Kind.REVERSE, 30, rev_of=spend, **now))
    hold = post(ask(group_id, "hold", Kind.HOLD, 50, spender_id=ann, ends_at=FOREVER, **now)).seq
    post(ask(group_id, "release", Kind.RELEASE, 20, rev_of=hold, **now))
    capture = post(ask(group_id, "capture", Kind.CAPTURE, 0, rev_of=hold, **now)).seq
    post(ask(group_id, "back too", Kind.REVERSE, 10, rev_of=capture, **now))
    return group_id, ann, spend


def found_after(db, statement: str, **values: int) -> list[tuple[str, str, str]]:
    with owner(db) as connection:
        assert connection.execute(text(statement), values).rowcount
    with database.begin() as session:
        found = [(f.rule, f.place, f.text) for f in findings(session)]
    forget_everything(db)
    return found


def test_what_is_kept_is_what_the_postings_say(spending):
    with database.begin() as session:
        assert list(session.execute(text("select points from spent"))) == [(90,)]
        assert list(findings(session)) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("update spent set points = points - 1", "postings say 90, kept is 89"),
        ("update spent set points = points + 1", "postings say 90, kept is 91"),
        ("delete from spent", "postings say 90, kept is 0"),
    ],
)
def test_another_sum_is_found_and_whose_and_which_month_is_named(spending, db, change, told):
    group_id, ann, _ = spending
    of_month = month(clock.day(clock.now(), ZONE))

    assert found_after(db, change) == [("spent", f"{group_id} spender {ann} {of_month:%Y-%m}", told)]


def test_a_sum_of_another_month_or_of_somebody_else_is_found(spending, db):
    found = found_after(db, "update spent set month = (month - interval '1 month')::date")

    assert [(rule, text) for rule, _, text in found] == [
        ("spent", "postings say 0, kept is 90"), ("spent", "postings say 90, kept is 0"),
    ]  # fmt: skip


def test_a_sum_of_nothing_is_found(spending, db):
    found = found_after(db, "insert into spent select member_id, spender_id + 1, 0, month from spent")

    assert [text for _, _, text in found] == ["postings say 0, kept is 0"]


def test_a_posting_of_somebody_who_never_was_a_spender_is_found(spending, db):
    group_id, ann, _ = spending

    assert ("spender", f"{group_id} {ann}", "postings name somebody who never was a spender") in found_after(
        db, "delete from spender"
    )


def test_what_comes_back_to_another_spender_is_found(spending, db):
    group_id, _, spend = spending

    found = found_after(
        db, "update posting set spender_id = 5 where member_id = :m and rev_of = :s", m=group_id, s=spend
    )

    assert (
        "spender",
        f"{group_id} posting {spend + 1}",
        "it names another spender than its original",
    ) in found
    assert "chain" in {rule for rule, _, _ in found}


def test_a_spender_of_no_group_is_found(spending, db):
    group_id, ann, _ = spending

    found = found_after(db, "delete from group_profile")

    assert ("spender", f"{group_id} {ann}", "a spender of a member who is no group") in found
    assert {rule for rule, _, _ in found} == {"spender", "facts"}
