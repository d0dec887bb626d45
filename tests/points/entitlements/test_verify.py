"""The proof of entitlements names what was tampered with."""

import pytest
from sqlalchemy import text

from base import database
from points.entitlements import verify
from tests.given import given_member, given_programme, given_tier
from tests.owner import forget_everything, owner
from tests.points.entitlements.test_entitlements import at_noon, given_rule, undo, use  # noqa: F401


@pytest.mark.parametrize(
    ("tampering", "named"),
    [
        ("update entitlement_count set used = used - 1", "its counter says 0"),
        ("delete from entitlement_count", "its counter says None"),
        ("delete from entitlement_use where undoes is null and ref = 'one'", "it undoes no such use"),
        ("update entitlement_use set uses = 2 where undoes is not null", "it undoes no such use"),
        ("update entitlement_rule set uses = '{\"gold\": 9}'", "it is not what was approved"),
        ("update entitlement_rule set approval = null", "no second person approved it"),
        ("delete from entitlement_rule", "it was approved and is in no rule"),
    ],
)
def test_each_tampering_is_named(db, tampering, named):
    member_id = given_tier(given_member(db, given_programme()), "gold")
    given_rule()
    undo(member_id, use(member_id, ref="one")[0])
    use(member_id, ref="two")
    with database.begin() as session:
        assert list(verify.findings(session)) == []

    with owner(db) as connection:
        connection.execute(text(tampering))

    with database.begin() as session:
        assert named in " ".join(one.text for one in verify.findings(session))
    forget_everything(db)
