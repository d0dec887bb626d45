"""Stock: a hundred are sold a hundred times whoever comes at once; what staff do to it is a move, and nobody corrects alone."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select, text

from base import clock, database, ids
from base.approvals import approvals
from base.database import StillRunning
from base.models import AuditRow
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.course import JOB
from catalog.stock import corrections, moves, stock, verify
from catalog.stock.models import Stock
from catalog.stock.stock import SoldOut
from tests.given import (
    caller,
    given_member,
    given_offer,
    given_person,
    given_programme,
    member_token,
    staff_token,
)
from tests.owner import forget_everything, owner
from tests.points.races import no_deadlock

THREADS = 12


@pytest.fixture
def programme(db):
    return given_programme()


def number(offer) -> str:
    return ids.public("off", offer.offer_id)


def left(offer) -> int:
    with database.begin() as session:
        return moves.find(session, offer.offer_id).left_over


def told(action: str) -> list[dict[str, object]]:
    with database.begin() as session:
        asked = select(AuditRow.facts).where(AuditRow.action == action).order_by(AuditRow.audit_id)
        return list(session.scalars(asked))


def kind_of(answer) -> str:
    return f"{answer.status_code} {answer.json.get('type', '').removeprefix('/problems/')}".strip()


def moved(who, offer, what, units, **more):
    body = {"what": what, "units": units, "reason": "a delivery"} | more
    return kind_of(who.post(f"/v1/stock/{number(offer)}/moves", body))


def corrected(maker, checker, offer, what, units):
    body = {"offer": number(offer), "what": what, "units": units, "reason": "counted"}
    proposal = maker.post("/v1/stock-corrections", body).json
    path = f"/v1/stock-corrections/{proposal['id']}/approve"
    return checker.post(path, {"content_hash": proposal["content_hash"]})


@pytest.mark.attack("A17")
def test_a_hundred_items_are_sold_a_hundred_times_to_many_at_once(db, programme):
    offer = given_offer(programme, "perk", value_fen=100, stock=100)
    tries, barrier = 10, Barrier(THREADS)
    buyers = [given_member(db, programme, points=100) for _ in range(THREADS * tries)]
    with database.begin() as session:
        asked = [
            (one, quotes.make(session, one, offer.offer_id, 1, clock.now(), 600).quote.quote_id)
            for one in buyers
        ]

    def buy(thread: int) -> list[str]:
        barrier.wait(20)
        return [once(*each) for each in asked[thread::THREADS]]

    def once(member_id: int, quote_id: int) -> str:
        while True:
            try:
                with database.begin() as session:
                    redemptions.redeem(session, member_id, quote_id, JOB, clock.now())
                return "sold"
            except StillRunning:
                continue
            except Exception as error:
                return type(error).__name__

    with no_deadlock(), ThreadPoolExecutor(THREADS) as pool:
        came = [answer for part in pool.map(buy, range(THREADS)) for answer in part]

    with database.begin() as session:
        sold = session.scalar(text("select count(*) from redemption"))
    assert {name: came.count(name) for name in set(came)} == {"sold": 100, "SoldOut": THREADS * tries - 100}
    assert (sold, left(offer)) == (100, 0)


def test_an_offer_without_a_limit_touches_no_shared_row(db, programme):
    offer = given_offer(programme, "perk")

    with database.begin() as session:
        stock.take(session, offer.offer_id, 5)
        stock.put_back(session, offer.offer_id, 5)
        locks = session.scalar(
            text(
                "select count(*) from pg_locks where pid = pg_backend_pid() and locktype in ('tuple', 'transactionid')"
            )
        )

        assert locks == 0  # no row was written: the transaction has no number
        assert session.scalars(select(Stock)).all() == []


def test_what_comes_goes_and_lies_in_areas_adds_up(app, db, programme):
    offer = given_offer(programme, "perk", value_fen=100, stock=10)
    editor, checker = caller(app, staff_token("editor")), caller(app, staff_token("checker"))
    hangzhou = caller(app, staff_token("editor", area="3301"))
    buyer = caller(app, member_token(given_member(db, programme, points=1000)))
    bought = buyer.redeem(offer).json["id"]
    place = f"/v1/stock/{number(offer)}"

    one_person = [
        moved(editor, offer, "received", 20),  # 30, 1 sold
        moved(editor, offer, "allocated", 12, area="3301"),
        moved(editor, offer, "allocated", 18, area="33"),  # 17 are left
        moved(editor, offer, "returned", 13, area="3301"),  # only 12 lie there
        moved(editor, offer, "used", 1),  # no consumable
        moved(editor, offer, "written_off", 1),
        moved(editor, offer, "allocated", 1),
        moved(editor, offer, "received", 1, area="33"),
        moved(hangzhou, offer, "received", 1),
        moved(hangzhou, offer, "returned", 2, area="3301"),
        moved(checker, offer, "received", 1),
    ]
    assert one_person == [
        "201", "201", "409 too-few-in-stock", "409 too-few-in-stock", "409 not-for-these-goods", "403 correction-needs-two",
        "422 invalid", "422 invalid", "403 for-headquarters", "201", "403 not-allowed",
    ]  # fmt: skip
    assert editor.post(f"{place}/watch", {"alert_below": None, "goods": "consumable"}).status_code == 200
    tallied = [moved(editor, offer, "used", 4, area="3301"), moved(editor, offer, "used", 3)]
    two = [
        corrected(editor, checker, offer, "written_off", -5),
        corrected(editor, checker, offer, "corrected", 1),
    ]
    too_many = corrected(editor, checker, offer, "written_off", -500)
    own = caller(app, staff_token("editor", "checker"))
    alone = corrected(own, own, offer, "corrected", 1)
    buyer.post(f"/v1/redemptions/{bought}/cancel")

    seen = editor.get(place).json
    assert tallied == ["201", "201"]
    assert [answer.status_code for answer in two] == [200, 200]
    assert (kind_of(too_many), kind_of(alone)) == ("409 too-few-in-stock", "403 own-proposal")
    assert {name: seen[name] for name in ("total", "taken", "set_aside", "left_over", "areas", "goods")} == {
        "total": 30 - 4 - 3 - 5 + 1, "taken": 0, "set_aside": 6, "left_over": 13, "areas": {"3301": 6}, "goods": "consumable",
    }  # fmt: skip
    first = editor.get(f"{place}/moves", limit=3).json
    rest = editor.get(f"{place}/moves", cursor=first["next_cursor"]).json
    pages = [[move["what"] for move in page["data"]] for page in (first, rest)]
    assert pages == [
        ["corrected", "written_off", "used"],
        ["used", "returned", "allocated", "received", "received"],
    ]
    assert first["data"][0]["approval"].startswith("apr_")
    assert [fact["units"] for fact in told("stock.received")] == [20]


def test_staff_are_told_once_when_few_are_left_and_again_after_it_rose(app, programme):
    offer, other = given_offer(programme, "perk", stock=10), given_offer(programme, "perk", stock=1)
    editor = caller(app, staff_token("editor"))
    place, ask = f"/v1/stock/{number(offer)}", {"alert_below": 4, "goods": None}

    def low() -> list[str]:
        return [row["offer"] for row in editor.get("/v1/stock/alerts", programme="gotone").json["data"]]

    assert editor.post(f"{place}/watch", ask).json["low_since"] is None
    moved(editor, offer, "allocated", 6, area="33")
    assert (low(), told("stock.low")) == ([], [])
    moved(editor, offer, "allocated", 1, area="33")
    moved(editor, offer, "allocated", 1, area="33")
    assert (low(), len(told("stock.low"))) == ([number(offer)], 1)
    moved(editor, offer, "received", 5)
    assert low() == []
    moved(editor, offer, "allocated", 5, area="33")
    assert [fact["left_over"] for fact in told("stock.low")] == [3, 2]
    # A line above what is left tells at once; one below it, or none, ends it.
    assert editor.post(f"/v1/stock/{number(other)}/watch", {"alert_below": 2, "goods": "gift"}).json[
        "low_since"
    ]
    assert len(told("stock.low")) == 3
    assert editor.post(f"{place}/watch", ask | {"alert_below": None}).json["low_since"] is None
    assert low() == [number(other)]
    everything = editor.get("/v1/stock", programme="gotone", limit=1).json
    after = editor.get("/v1/stock", programme="gotone", cursor=everything["next_cursor"]).json
    assert [row["offer"] for row in everything["data"] + after["data"]] == [number(offer), number(other)]
    unlimited = number(given_offer(programme, "perk"))
    assert kind_of(editor.get(f"/v1/stock/{unlimited}")) == "404 stock-unknown"
    assert moved(editor, given_offer(programme, "perk"), "received", 1) == "404 stock-unknown"


PLANTED = {
    "update stock set left_over = left_over - 1": "what is left is not",
    "update stock set total = total + 1, left_over = left_over + 1": "the sum of its moves",
    "delete from stock_move where what = 'allocated'": "less than nothing lies in an area",
    "update stock_move set actor = 'staff:1' where approval is not null": "it is not what was approved",
    "update stock_move set approval = 'apr_1' where approval is not null": "no second person approved it",
    "delete from stock_move where approval is not null": "it was approved and done 0 times",
}


@pytest.mark.parametrize("tampering", PLANTED)
def test_each_tampering_is_named(db, programme, tampering):
    offer = given_offer(programme, "perk", stock=9)
    maker, checker, at = given_person("editor"), given_person("checker"), clock.now()
    with database.begin() as session:
        for what in ("allocated", "returned"):
            moves.record(session, maker, offer.offer_id, moves.Wanted(what, 2, "x", "33"), at)
        wanted = corrections.Wanted("corrected", -1, "counted")
        proposal = corrections.propose(session, maker, offer.offer_id, wanted, at).proposal
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), at)
        assert list(verify.findings(session)) == []

    with owner(db) as connection:
        connection.execute(text(tampering))

    with database.begin() as session:
        assert PLANTED[tampering] in " ".join(one.text for one in verify.findings(session))
    forget_everything(db)


def test_the_database_itself_keeps_a_stock_above_zero(db, programme):
    offer = given_offer(programme, "perk", stock=1)

    with database.begin() as session:
        with pytest.raises(SoldOut):
            stock.take(session, offer.offer_id, 2)
        assert stock.change(session, offer.offer_id, left=1, aside=-1) is None
    with pytest.raises(Exception, match="stock_never_below_zero"), owner(db) as connection:
        connection.execute(text("update stock set left_over = -1"))
    with pytest.raises(Exception, match="stock_low"), owner(db) as connection:
        connection.execute(text("update stock set alert_below = 5"))
