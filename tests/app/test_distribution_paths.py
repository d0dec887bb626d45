"""What the deeds of a member say to the database names the member, statement by statement: one machine would do it alone."""

from datetime import date, timedelta

import psycopg
import pytest

from app import distribution
from app.distribution import Place
from app.web import create_app  # imports every model
from base import clock, database, ids
from base.database import Base
from points import bills, policies
from points.bills import BillLineIn
from points.gifts import job as gifts_job
from points.members import members
from tests import given
from tests.app.routing import changed, named, unbound
from tests.given import EARNS, ZONE

assert create_app
SPREAD = {one.table: one for one in distribution.plan(Base.metadata)}
KEYS = {name: one.key for name, one in SPREAD.items() if one.key}
# Which tables a deed may ask of every machine for, and why. All else that it says goes to one.
EVERYWHERE = {
    "check": {},
    "accept": {"idempotency_key": "a till's key is good for one member: those of all others are looked at"},
    "void": {"idempotency_key": "as for accepting"},
    "earn at a till": {"idempotency_key": "as for accepting"},
    "close a statement": dict.fromkeys(
        ("acceptance", "void", "merchant_item", "merchant_earning", "earning_reversal", "statement_line"),
        "a merchant's period is gathered from all members, once",
    ),
}

# A member's own row, or those of a file's customers, which lie on the first machine.
JOINED = {("redeem", "member"), ("redeem a bill credit", "member"), ("accrue from bills", "member")}


@pytest.fixture
def said(monkeypatch):
    """All statements that this process sends from now on."""
    found: list[str] = []
    real = psycopg.Cursor.execute

    def execute(cursor, query, *values, **options):
        text = (
            query
            if isinstance(query, str)
            else query.decode()
            if isinstance(query, bytes)
            else query.as_string(cursor)
        )
        found.append(text)
        return real(cursor, query, *values, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", execute)
    return found


@pytest.fixture
def deeds(app, db):
    """One deed after the other, by name; each yields when it is done."""
    programme, shop = given.given_programme(), given.given_shop(**EARNS)
    given.given_promotion_policy(programme)
    voucher = given.given_offer(
        programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=10, cancellable=True
    )
    credit = given.given_offer(programme, "bill_credit", value_fen=100)
    giver, receiver = (given.given_member(db, programme, points=1_000) for _ in range(2))
    who = given.caller(app, given.member_token(giver))
    till = given.caller(app, given.clerk_token(shop))
    with database.begin() as session:
        phone = members.phone_of(session, given.secrets_of(db), receiver)
        customers = [members.by_id(session, one).customer_id for one in (giver, receiver)]

    def walk():
        assert who.get("/v1/members/me/wallet").status_code == 200
        yield "see the wallet"
        bought = who.redeem(voucher).json
        yield "redeem"
        assert who.redeem(credit).status_code == 201
        yield "redeem a bill credit"
        code = who.voucher_code(bought)
        yield "see the voucher"
        token = till.check(code).json["check_token"]
        yield "check"
        accepted = till.post("/v1/vouchers/accept", {"check_token": token}).json["id"]
        yield "accept"
        assert till.post(f"/v1/acceptances/{accepted}/void", {"reason": "wrong"}).status_code == 201
        yield "void"
        assert who.post(f"/v1/redemptions/{bought['id']}/cancel").status_code == 200
        yield "cancel"
        assert till.post("/v1/earnings", {"phone": phone, "amount_fen": 10_000}).status_code == 201
        yield "earn at a till"
        gift = who.post("/v1/gifts", {"to": phone, "points": 7}).json["id"]
        yield "give"
        with clock.stopped(clock.now() + timedelta(minutes=11)):
            gifts_job.run(db, giver, ids.parse("gft", gift, 1)[0])
        yield "let a gift arrive"
        with database.begin() as session:
            lines = [BillLineIn(one, "B1", 1, date(2026, 1, 5), "plan", 1_000) for one in customers]
            found = bills.post_lines(
                session, programme, policies.load(session, programme.programme_id), lines
            )
            assert len(found) == 2
        yield "accrue from bills"
        later = clock.now() + timedelta(days=1, hours=1)
        with clock.stopped(later):
            assert given.closed(shop, clock.day(later - timedelta(days=1), ZONE))
        yield "close a statement"

    return walk()


def test_each_statement_of_each_deed_names_whose_rows_it_means_but_for_what_is_listed(deeds, said):
    said.clear()
    asked_of_all, spoken = {}, {}
    for deed in deeds:
        spoken[deed] = len(said)
        asked_of_all[deed] = {table for one in said for table in unbound(one, KEYS)}
        said.clear()

    assert {deed: found for deed, found in asked_of_all.items() if found} == {
        deed: set(tables) for deed, tables in EVERYWHERE.items() if tables
    }
    assert min(spoken.values()) >= 3, spoken


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("select 1 from wallet where member_id = %s", set()),
        ("select 1 from wallet w where w.balance > 0", {"wallet"}),
        ("select 1 from wallet w join posting p on p.member_id = w.member_id", {"wallet", "posting"}),
        ("select 1 from wallet w join posting p on p.member_id = w.member_id and p.member_id = %s", set()),
        ("select 1 from wallet w left join posting p on p.idem = %s where w.member_id = %s", {"posting"}),
        ("select 1 from unnest(%s) k(m) join hold h on h.member_id = k.m", set()),
        ("insert into hold (member_id, seq) values (%s, %s)", set()),
        ("insert into hold (seq) values (%s)", {"hold"}),
        ("delete from outbox where (outbox.member_id, outbox.outbox_id) in (%s)", set()),
        ("update voucher set state = 'held' where digest = %s", {"voucher"}),
        ("select 1 from statement where statement.merchant_id = %s", set()),
        ("select 1 from programme", set()),
        (
            "select (select 1 from hold where member_id = w.member_id) from wallet w where w.member_id = %s",
            set(),
        ),
        (
            "insert into hold (member_id) select %s where not exists (select from hold where seq = %s)",
            {"hold"},
        ),
    ],
)
def test_what_is_read_off_a_statement(statement, told):
    assert unbound(statement, KEYS) == told


def test_no_deed_of_a_member_writes_a_copied_table_and_few_join_what_stays_on_the_first_machine(deeds, said):
    """What every machine has a copy of is written on all of them; what is joined with rows that lie elsewhere is fetched first."""
    said.clear()
    copied = {name for name, one in SPREAD.items() if one.place is Place.REFERENCE}
    written, joined = set(), set()
    for deed in deeds:
        for one in said:
            tables = named(one)
            written |= {(deed, table) for table in copied & changed(one)}
            if tables & set(KEYS):
                joined |= {(deed, table) for table in tables & set(distribution.LOCAL)}
        said.clear()

    assert written == {
        ("give", "notice_template")
    }  # a kind of message writes down its text with the first of them
    assert joined == JOINED
