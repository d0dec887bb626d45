"""Table of line states and actions: its default, its changes by day and programme, and that the ledger agrees."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from base import database
from base.errors import NotAllowed
from points import deeds, lots, postings
from points.deeds import Request
from points.kinds import FOREVER, Kind, State
from points.lines import matrix
from points.lines.matrix import DEFAULT, Action, Answer, PolicyCellFixed
from points.lines.states import GUARD_OF, WALLET_OF, LineState
from points.lots import Interval
from points.policies import SameDayVersion
from tests.given import ZONE, given_programme

AT = datetime(2026, 3, 1, tzinfo=UTC)
LOT = lots.key(date(2027, 1, 31), 1)


def ledger_does(state: State, kind: Kind) -> bool:
    """Whether the ledger does a deed for a wallet of 100 points in a state."""
    opened = postings.empty(7, State.OPEN, AT)
    earn = Request(7, UUID(int=1), Kind.EARN, 100, AT, ZONE, lot_key=LOT)
    wallet = deeds.run(opened, earn).wallet._replace(state=state)
    quoted = (Interval(LOT, 0, 10),) if kind is Kind.GIFT_IN else ()
    try:
        deeds.run(
            wallet,
            Request(7, UUID(int=2), kind, 10, AT, ZONE, lot_key=LOT, quoted=quoted, ends_at=FOREVER),
        )
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize("state", LineState)
def test_the_ledger_spends_and_takes_in_exactly_as_the_table_says(state):
    guard = GUARD_OF[state]

    for kind in (Kind.REDEEM, Kind.HOLD):
        assert ledger_does(guard, kind) is (DEFAULT[state, Action.REDEEM] is Answer.YES), kind
    assert ledger_does(guard, Kind.EARN) is (DEFAULT[state, Action.EARN] is not Answer.NO)
    assert ledger_does(guard, Kind.GIFT_IN) >= (DEFAULT[state, Action.GIFT_IN] is Answer.YES)


@pytest.mark.parametrize("state", LineState)
@pytest.mark.parametrize("action", Action)
def test_every_cell_has_a_default_that_may_be_chosen(state, action):
    assert DEFAULT[state, action] in matrix.choices(state, action)


@pytest.mark.parametrize("state", LineState)
def test_no_programme_can_allow_what_the_ledger_of_a_stored_wallet_refuses(state):
    stored = WALLET_OF[state]

    assert Answer.YES not in matrix.choices(state, Action.REDEEM) or ledger_does(stored, Kind.REDEEM)
    assert Answer.YES not in matrix.choices(state, Action.GIFT_OUT) or ledger_does(stored, Kind.HOLD)
    assert Answer.YES not in matrix.choices(state, Action.GIFT_IN) or ledger_does(stored, Kind.GIFT_IN)
    assert Answer.YES not in matrix.choices(state, Action.EARN) or ledger_does(stored, Kind.EARN)


def test_a_change_holds_from_its_day_on_in_its_programme_alone_and_a_later_one_takes_over(db):
    here, elsewhere = given_programme(), given_programme("mzone")
    cell = (LineState.SUSPENDED, Action.VOUCHER)
    with database.begin() as session:
        matrix.add(session, here.programme_id, date(2026, 3, 1), *cell, Answer.NO)
        matrix.add(session, here.programme_id, date(2026, 6, 1), *cell, Answer.YES)

    with database.begin() as session:
        changes = matrix.load(session, here.programme_id)
        others = matrix.load(session, elsewhere.programme_id)
    answers = [
        matrix.answer(changes, *cell, date(2026, month, day))
        for month, day in ((2, 28), (3, 1), (5, 31), (6, 1))
    ]

    assert answers == [Answer.YES, Answer.NO, Answer.NO, Answer.YES]
    assert matrix.answer(others, *cell, date(2026, 4, 1)) is Answer.YES


def test_a_version_is_never_edited(db):
    programme = given_programme()
    cell = (date(2026, 3, 1), LineState.NEW, Action.GIFT_IN, Answer.NO)
    with database.begin() as session:
        matrix.add(session, programme.programme_id, *cell)

    with pytest.raises(SameDayVersion), database.begin() as session:
        matrix.add(session, programme.programme_id, *cell)


@pytest.mark.parametrize(
    ("state", "action", "answer"),
    [
        (LineState.SUSPENDED, Action.REDEEM, Answer.YES),
        (LineState.CANCELLED, Action.EARN, Answer.YES),
        (LineState.CANCELLED, Action.GIFT_IN, Answer.YES),
        (LineState.ACTIVE, Action.LAPSE, Answer.KEPT),
        (LineState.TRANSFER, Action.GIFT_OUT, Answer.YES),
    ],
)
def test_what_the_ledger_does_not_do_cannot_be_promised(db, state, action, answer):
    programme = given_programme()

    with pytest.raises(PolicyCellFixed) as refused, database.begin() as session:
        matrix.add(session, programme.programme_id, date(2026, 3, 1), state, action, answer)

    assert answer not in refused.value.facts["choices"]
