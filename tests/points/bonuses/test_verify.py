"""A wrong row of each kind is planted, and `verify` names it; a check that cannot fail proves nothing."""

import pytest

from app.proof import findings
from base import database
from points.bonuses import verify
from tests.given import given_bonus_rule, given_member, given_programme
from tests.owner import forget_everything, owner
from tests.points.bonuses.giving import give

PLANTED = {
    "another amount": ("update bonus set points = points - 1", "bonus", "it gave 9 points, its rule 10"),
    "a posting of its own": ("update bonus set seq = 99", "bonus", "there is no posting 99"),
    "another reference": ("update bonus set ref = 'S-9'", "bonus", "posting 1 is not that of this bonus"),
    "a gap": ("update bonus set nth = 2", "bonus", "it is number 2 and 1 of its day, after 0"),
    "over the cap of the member": ("update bonus set nth = 4", "bonus", "the member got 4, the cap is 3"),
    "over the cap of the day": ("update bonus set nth_of_day = 3", "bonus", "for a day, the cap is 2"),
    "a day of no version": ("update bonus set on_day = '2020-01-01'", "bonus", "does not count on 2020-01-01"),
    "a rule that is none": ("update bonus set rule_id = 5", "bonus", "there is no such rule"),
    "no bonus": ("delete from bonus", "bonus", "there is no bonus behind it"),
    "a budget": ("update bonus_budget set left_points = 91", "bonus budget", "10 of 100 points were given, 91 are left"),
    "no budget": ("delete from bonus_budget", "bonus budget", "None are left"),
    "a budget of less": (
        "update bonus_rule set budget_points = 5", "bonus budget", "10 of 5 points were given",
    ),
    "a day's count": ("update bonus_day set given = 2", "bonus day", "1 were given, 2 are counted"),
    "a day's count of nothing": (
        "insert into bonus_day select rule_id, 3, '2020-01-01' from bonus_rule", "bonus day", "none was given",
    ),
    "a day's cap": ("update bonus_rule set most_per_day = null; update bonus_day set given = 0; update bonus_rule set most_per_day = 1",
                    "bonus day", "1 were given, 0 are counted"),
    "another rule": ("update bonus_rule set points = 10, names = '{\"en\": \"x\", \"zh-CN\": \"y\"}'",
                     "bonus rule", "it is not the one that was approved"),
    "a rule of nobody": ("update bonus_rule set approval = 'apr_0000000000001'", "bonus rule", "it names no approval"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_wrong_is_found(db, name):
    programme = given_programme()
    given_bonus_rule(programme, most_per_member=3, most_per_member_day=2, most_per_day=5, budget_points=100)
    give(programme, given_member(db, programme))
    with database.begin() as session:
        before = list(findings(session))
    statement, rule, text = PLANTED[name]

    with owner(db) as connection:
        connection.exec_driver_sql(statement)
    with database.begin() as session:
        found = [one for one in verify.findings(session) if one.rule == rule and text in one.text]

    forget_everything(db)
    assert not before
    assert found
