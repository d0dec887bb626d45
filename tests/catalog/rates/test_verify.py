"""A wrong rate or earn rule is planted, and `verify` names it; the database itself refuses what overlaps."""

from datetime import date, timedelta

import pytest
from sqlalchemy import exc

from app.proof import findings
from base import clock, database
from base.approvals import approvals
from catalog.rates import proposals
from catalog.rates.rates import Row
from catalog.rates.scopes import GENERAL, Scope
from points.earn_rules import earn_rules
from tests.given import ZONE, given_person, given_programme
from tests.owner import forget_everything
from tests.owner import owner as owned

SOON = clock.day(clock.now(), ZONE) + timedelta(days=1)
PLANTED = {
    "more points": ("update rate set points = 9 where approval is not null", "it is not what was approved"),
    "another last day": ("update rate set until_day = from_day + 50 where kind = 'perk'", "it is not what was approved"),
    "one away": ("delete from rate where kind = 'perk'", "approved and not there"),
    "a gap": ("update rate set until_day = from_day where approval is null", "no general rate holds on"),
    "two on a day": (
        "alter table rate drop constraint rate_overlaps; update rate set until_day = null where approval is null",
        "two hold on",
    ),
    "an earn rule": ("update earn_rule set points = 9 where approval is not null", "it is not what was approved"),
    "no earn rule": ("delete from earn_rule where approval is not null", "approved and not there"),
}  # fmt: skip
RESTORED = """alter table rate add constraint rate_overlaps exclude using gist (
    programme_id with =, coalesce(offer_id, 0) with =, coalesce(kind, '') with =, coalesce(tier, '') with =,
    area with =, daterange(from_day, until_day + 1) with &&)"""


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_wrong_is_found(db, name):
    given_programme()
    maker, checker, at = given_person("editor"), given_person("checker"), clock.now()
    grid = (Row(GENERAL, SOON, 80, 100), Row(Scope(None, "perk"), SOON, 70, 100, date.max))
    rule = earn_rules.Row("plan", SOON, 2, 100)
    with database.begin() as session:
        for case in (
            proposals.propose(session, maker, proposals.Wanted("gotone", grid, "a new year"), at),
            earn_rules.propose(session, maker, earn_rules.Wanted("gotone", (rule,), "a new year"), at),
        ):
            seen = case.proposal.content_hash.hex()
            approvals.approve(session, checker, case.proposal.proposal_id, seen, at)
    with database.begin() as session:
        before = list(findings(session))
    statement, text = PLANTED[name]

    with owned(db) as connection:
        connection.exec_driver_sql(statement)
    with database.begin() as session:
        found = [one for one in findings(session) if text in one.text]

    forget_everything(db)
    if "constraint" in statement:
        with owned(db) as connection:
            connection.exec_driver_sql(RESTORED)
    assert not before
    assert found


def test_the_database_itself_refuses_what_overlaps_whoever_asks(db, owner):
    given_programme()

    with pytest.raises(exc.IntegrityError, match="rate_overlaps"):
        owner.exec_driver_sql(
            "insert into rate (rate_id, programme_id, from_day, points, per_fen) "
            "select 1, programme_id, '2025-01-01', 1, 1 from programme"
        )
