"""The proof of facts names each that is not what was told."""

from datetime import date

import pytest
from sqlalchemy import text

from base import database
from points.members import attributes, verify
from tests.given import LONG_AGO, given_group, given_member, given_programme
from tests.owner import forget_everything, owner

LATER = date(2024, 5, 1)


@pytest.mark.parametrize(
    ("tampering", "named"),
    [
        ("delete from member_facts", "there are none"),
        ("update member_facts set joined_on = '1999-01-01'", "of another programme or joining day"),
        (
            "insert into member_facts (member_id, programme_id, joined_on) values (7, 7, now())",
            "of no member",
        ),
        ("update member_facts set area = '34'", "area is not what was told last"),
        ("update member_facts set area = ''", "area is not what was told last"),
        ("update member_facts set arpu_fen = 1", "arpu_fen is not what was told last"),
        ("update member_facts set risk = null", "risk is not what was told last"),
        ("delete from member_attribute where name = 'risk'", "risk was never told"),
        ("update member_facts set kind = 'group'", "its kind is group"),
        ("delete from group_profile", "its kind is group"),
    ],
)
def test_each_tampering_is_named(db, tampering, named):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_group(db, programme, caps={member_id: 10})
    with database.begin() as session:
        told = {"area": "330106", "arpu_fen": "9900", "risk": "3", "birthday": "02-29"}
        attributes.add_many(session, {(member_id, name, LATER): value for name, value in told.items()})
        attributes.add_many(session, {(member_id, "area", LONG_AGO): "34"})
        assert list(verify.findings(session)) == []

    with owner(db) as connection:
        connection.execute(text(tampering))

    with database.begin() as session:
        assert named in "; ".join(one.text for one in verify.findings(session))
    forget_everything(db)
