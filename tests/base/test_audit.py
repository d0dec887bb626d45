"""The audit log: numbered and chained actor by actor, whoever writes at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from base import audit, audit_proof, database
from base.models import AuditHead, AuditRow
from tests.owner import owner


@pytest.fixture
def tamper(db):
    """Do what only the owner of the tables can; what was broken is gone after the test."""

    def done(statement):
        with owner(db) as connection:
            connection.execute(text(statement))

    yield done
    done("delete from audit")
    done("delete from audit_head")


def wrote(actor, count):
    for number in range(count):
        with database.begin() as session:
            audit.write(session, actor, "offer.paused", f"off_{number}", reason="stock", said="库存")


def found():
    with database.begin() as session:
        return [(one.rule, one.place) for one in audit_proof.findings(session)]


def test_the_rows_of_each_actor_are_numbered_from_one_and_whole(db):
    wrote("staff:1", 3)
    wrote("staff:2", 2)

    with database.begin() as session:
        numbers = session.execute(select(AuditRow.chain, AuditRow.no).order_by(AuditRow.audit_id)).all()
    assert numbers == [("staff:1", 1), ("staff:1", 2), ("staff:1", 3), ("staff:2", 1), ("staff:2", 2)]
    assert found() == []


def test_many_at_once_of_one_actor_leave_one_chain_without_a_gap(db):
    with ThreadPoolExecutor(4) as many:
        list(many.map(lambda _: wrote("staff:1", 5), range(4)))

    with database.begin() as session:
        head = session.get(AuditHead, "staff:1")
        assert head is not None
        assert head.no == 20
    assert found() == []


def test_what_is_rolled_back_leaves_no_gap(db):
    wrote("staff:1", 1)
    with database.begin() as session:
        audit.write(session, "staff:1", "offer.ended", "off_9")
        session.rollback()
    wrote("staff:1", 1)

    assert found() == []


def test_a_system_of_the_operator_writes_in_lanes_that_do_not_wait_for_each_other(db):
    wrote("service:k1", 40)

    with database.begin() as session:
        chains = set(session.scalars(select(AuditRow.chain)))
    assert 8 < len(chains) <= audit.LANES
    assert found() == []


@pytest.mark.parametrize(
    "tampering",
    [
        "update audit set action = 'offer.ended' where no = 2",
        "update audit set actor = 'staff:9' where no = 2",
        "update audit set subject = 'off_9' where no = 2",
        'update audit set facts = facts || \'{"reason": "other"}\' where no = 2',
        "update audit set at = at + interval '1 microsecond' where no = 2",
        "update audit set request_id = 'req_1' where no = 2",
        "update audit set audit_id = audit_id + 1 where no = 2",
        "update audit set digest = sha256('') where no = 2",
        "delete from audit where no = 2",
        "update audit set no = case no when 2 then 9 else 2 end where no in (2, 3)",
    ],
)
def test_a_row_that_was_changed_moved_or_removed_is_found_and_named(tamper, tampering):
    wrote("staff:1", 4)

    tamper(tampering)

    assert ("audit chain", "staff:1 2") in found() or ("audit chain", "staff:1 3") in found()


@pytest.mark.parametrize(
    "tampering",
    [
        "delete from audit where no = 4",
        "delete from audit",
        "delete from audit_head",
        "update audit_head set no = 3",
    ],
)
def test_a_cut_tail_does_not_agree_with_its_head(tamper, tampering):
    wrote("staff:1", 4)

    tamper(tampering)

    assert found() == [("audit head", "staff:1")]
