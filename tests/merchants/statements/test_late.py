"""What arrives after the close: on the next statement, with the moment at which it happened; the old one stays as it was."""

from datetime import timedelta

from base import clock, database
from merchants.statements import closing, seals
from tests.given import (
    ZONE,
    caller,
    clerk_token,
    closed,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)

DAY = timedelta(days=1)


def test_a_late_acceptance_is_on_the_next_statement_with_its_true_moment_and_no_other(app, db):
    programme, shop = given_programme(), given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100)
    member = caller(app, member_token(given_member(db, programme, points=1000)))
    first_day = clock.day(clock.now(), ZONE) + DAY
    noon = clock.start_of(first_day, ZONE) + timedelta(hours=12)

    def accept(at):
        code = member.voucher_code(member.redeem(offer).json)
        with clock.stopped(at):
            return caller(app, clerk_token(shop)).accept(code).json["id"]

    def close(until):
        closed(shop, until)

    def statements():
        """Each with its hash, the hash made anew from what is stored, and its lines."""
        with database.begin() as session:
            rows = closing.all_of(session, shop.merchant.merchant_id)
            return [
                (
                    row.hash,
                    seals.of(row, closing.lines_of(session, row)),
                    [line.recorded_at for line in closing.lines_of(session, row)],
                )
                for row in reversed(rows)
            ]

    accept(noon)
    close(first_day)
    (before,) = statements()
    accept(noon + timedelta(minutes=1))  # happened in the closed period, was recorded after its close
    accept(noon + DAY)
    close(first_day + DAY)

    first, second = statements()
    assert first == before
    assert [found[0] == found[1] for found in (first, second)] == [True, True]
    assert first[2] == [noon]
    assert second[2] == [noon + timedelta(minutes=1), noon + DAY]
