"""`verify` finds a replay that is about something else, does not say what it assumes, or does not add up."""

import pytest
from sqlalchemy import text

from admin.replay import verify
from base import database
from catalog.rates.rates import Row
from catalog.rates.scopes import Scope
from tests.admin.replay.replaying import SOON, asked, proposed, redeemed, replayed
from tests.given import given_member, given_offer, given_programme


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("content_hash = '\\x00'", "there is no proposal with this content"),
        (
            "report = report - 'assumption' || '{\"assumption\": {}}'",
            "the report does not say what it assumes",
        ),
        (
            "report = jsonb_set(report, '{redeemed,points_new}', '1')",
            "points_new of the parts do not add up to the whole",
        ),
        ("report = jsonb_set(report, '{content_hash}', '\"00\"')", "the report is about another content"),
    ],
)
def test_each_planted_fault_is_found(db, owner, fault, found):
    programme = given_programme()
    redeemed(given_member(db, programme, points=5000), given_offer(programme, "perk"), 10)
    proposal = proposed(Row(Scope(kind="perk"), SOON, 80, 100))
    replayed(proposal)
    asked(proposal, 2)
    with database.begin() as session:
        assert list(verify.findings(session)) == []
    kept = "create table kept as select * from replay_run"
    owner.execute(text(kept))
    try:
        owner.execute(text(f"update replay_run set {fault} where state = 'done'"))
        with database.begin() as session:
            assert found in [one.text for one in verify.findings(session)]
    finally:
        owner.execute(text("delete from replay_run"))
        owner.execute(text("insert into replay_run select * from kept"))
        owner.execute(text("drop table kept"))


def test_the_database_keeps_state_and_report_together(db, owner):
    given_programme()
    run = asked(proposed(Row(Scope(kind="perk"), SOON, 80, 100)))
    for fault in ("state = 'done'", "parts_done = 2", "months = 13", "report = '{}'", "ended_at = now()"):
        with pytest.raises(Exception, match="violates check constraint"):
            owner.execute(text(f"update replay_run set {fault} where replay_id = {run.replay_id}"))
