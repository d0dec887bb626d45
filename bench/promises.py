"""What must come out exactly, whatever the crowd and whatever goes wrong: the last items, the last seats, lost answers.

A flash sale of a hundred items against five thousand requests, fifty who sign up at once for twenty seats, and a thousand
bill credits by a billing system that loses a tenth of its replies, fails a twentieth and is silent for a tenth. The figures
are counts, and how far they are off: 0 is what was promised.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from app.proof import findings
from app.sandbox import billing as sandbox
from app.wiring import wire
from base import clock, database, ids
from base.config import Config
from bench import client
from bench.http import serving, signed_in, together
from bench.plans import Figures, Measured, Plan, Say, short
from bench.population import LONG_AGO, SECRETS, ZONE
from bench.server import Server
from catalog.offers import offers
from catalog.offers.models import Offer
from catalog.rates import rates
from catalog.redemptions import course, ordering, quotes
from catalog.redemptions.course import By
from catalog.redemptions.models import FULFILLED, Redemption
from catalog.redemptions.redemptions import find, redeem
from merchants import merchants
from points import ledger, policies, programmes
from points.deeds import Request
from points.kinds import Kind
from points.lots import key as lot_key
from points.members import members
from points.members.members import Enrolment
from points.models import Programme

SIZES = {"full": (5_000, 100, 1_000), "quick": (1_000, 50, 200), "tiny": (60, 10, 20)}
CONNECTIONS, WORKERS, SIGN_UPS, SEATS, LINE, PRICE = 16, 16, 50, 20, 30, 100
FAULTS = [
    {"mode": "lost_reply", "every": 10},
    {"mode": "silent", "every": 10, "delay_ms": 1_500},
    {"mode": "error", "every": 20},
]


def measure(server: Server, plan: Plan, say: Say) -> Measured:
    """All three, in a database of their own, which is proved at the end."""
    buyers, items, credits = SIZES[plan.name]
    url = server.clone("promises")
    config = Config.from_env().at(database_url=url, billing_tries=8, billing_backoff_s=0, billing_timeout_s=1)
    wire(config, pool_size=WORKERS + 2, statement_timeout_ms=60_000)
    say(f"promises: {short(buyers)} members")
    programme = _programme()
    people = _members(programme, max(buyers, credits, SIGN_UPS))
    figures: Figures = {}
    with serving(url) as address:
        figures |= _flash(address, programme, people[:buyers], items, say)
        figures |= _event(address, programme, people[:SIGN_UPS], say)
    with billing(FAULTS) as (billing_url, stand_in):
        figures |= _credits(config.at(billing_url=billing_url), stand_in, programme, people[:credits], say)
    with database.begin() as session:
        figures["promises_findings"] = len(list(findings(session)))
    return {}, figures


def _flash(
    address: client.Address, programme: Programme, people: Sequence[int], items: int, say: Say
) -> Figures:
    with database.begin() as session:
        shop = merchants.add(
            session, "bench", {"zh-CN": "测试商户", "en": "Bench"}, zone=ZONE, currency="CNY", city="Hangzhou"
        )
        offer = _offer(
            session, programme, "voucher", stock=items, merchant_id=shop.merchant_id, voucher_days=30
        )
    asked = _confirmations(people, offer)
    say(f"promises: {short(len(asked))} requests for {items} items")
    began = time.monotonic()
    told = Counter(together(client.tally, address, asked, CONNECTIONS))
    took_s = time.monotonic() - began
    with database.begin() as session:
        left = session.connection().exec_driver_sql(
            "select left_over from stock where offer_id = %s", (offer.offer_id,)
        ).scalar()  # fmt: skip
    return {
        "flash_requests": len(asked),
        "flash_sold": told["201"],
        "flash_refused": told["409"],
        "flash_sold_off": abs(told["201"] - items) + abs(int(left or 0)),
        "flash_5xx": sum(count for status, count in told.items() if status.startswith("5")),
        "flash_per_s": len(asked) / took_s,
    }


def _event(address: client.Address, programme: Programme, people: Sequence[int], say: Say) -> Figures:
    with database.begin() as session:
        form = {"capacity": SEATS, "waiting": LINE}
        offer = _offer(session, programme, "event", event_at=clock.now() + timedelta(days=7), form=form)
    asked = _confirmations(people, offer)
    say(f"promises: {len(asked)} sign up at once for {SEATS} seats")
    told = together(client.tally, address, asked, len(asked))
    with database.begin() as session:
        rows = session.connection().exec_driver_sql(
            "select state, line_no from seat where offer_id = %s order by line_no nulls first", (offer.offer_id,)
        ).all()  # fmt: skip
    expected = [("taken", None)] * SEATS + [("waiting", number) for number in range(1, LINE + 1)]
    off = sum(tuple(row) != wanted for row, wanted in zip(rows, expected, strict=False))
    return {
        "seats_taken": sum(row[0] == "taken" for row in rows),
        "seats_waiting": sum(row[0] == "waiting" for row in rows),
        "seats_off": off + abs(len(rows) - len(expected)) + abs(told.get("201", 0) - len(asked)),
    }


def _credits(config: Config, stand_in: Any, programme: Programme, people: Sequence[int], say: Say) -> Figures:
    """The job's own steps, by as many threads as a few workers have; then each credit is held against its points."""
    with database.begin() as session:
        offer = _offer(session, programme, "bill_credit")
    made = [_redeemed(member_id, offer) for member_id in people]
    say(f"promises: {short(len(made))} bill credits by a billing system that fails")
    began = time.monotonic()
    waiting = made
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in range(4 * config.billing_tries):
            list(pool.map(lambda place: ordering.run(config, *place), waiting))
            waiting = [place for place in waiting if _state(place) in course.OPEN]
            if not waiting:
                break
    took_s = time.monotonic() - began
    topups = Counter(topup["description"] for topup in stand_in.extensions["billing"].topups)
    states = {place: _state(place) for place in made}
    off = sum(
        (topups[ids.public("red", *place)] > 0) != (state == FULFILLED) for place, state in states.items()
    )
    return {
        "credits": len(made),
        "credits_fulfilled": sum(state == FULFILLED for state in states.values()),
        "credits_not_ended": len(waiting),
        "credits_doubled": sum(count > 1 for count in topups.values()),
        "credits_off": off,
        "credits_s": took_s,
    }


def _programme() -> Programme:
    with database.begin() as session:
        made = programmes.create(
            session,
            "bench",
            {"zh-CN": "测试", "en": "Bench"},
            zone=ZONE,
            currency="CNY",
            minimum_tenure_days=0,
        )
        policies.add_expiry_policy(session, made.programme_id, policies.BILL_POINTS, LONG_AGO, months=36)
        rates.add(session, made.programme_id, LONG_AGO, points=100, per_fen=100)
    return made


def _members(programme: Programme, count: int) -> list[int]:
    """Members with points for a few redemptions each."""
    secrets, found = SECRETS, list[int]()
    lot = lot_key(clock.now().date() + timedelta(days=700), policies.BILL_POINTS)
    for start in range(0, count, 500):
        rows = [Enrolment(f"P{n:06d}", LONG_AGO) for n in range(start, min(start + 500, count))]
        with database.begin() as session:
            some = list(members.enrol_many(session, programme, secrets, rows).values())
            ledger.post_many(
                session,
                [Request(m, ledger.key("bench", "points"), Kind.EARN, 10 * PRICE, clock.now(), ZONE, lot_key=lot) for m in some],
            )  # fmt: skip
        found += some
    return found


def _offer(session: Any, programme: Programme, kind: str, **more: Any) -> Offer:
    names = {"zh-CN": "测试权益", "en": "Bench offer"}
    return offers.add(
        session, programme.programme_id, f"{kind}-1", kind=kind, from_at=datetime(2020, 1, 1, tzinfo=UTC),
        value_fen=PRICE, cost_fen=PRICE, cancellable=False, category="bench", names=names, texts=names, most_units=1,
        **more,
    )  # fmt: skip


def _confirmations(people: Sequence[int], offer: Offer) -> list[bytes]:
    """Each member's request to confirm a quote made here and now."""
    made = []
    for member_id in people:
        with database.begin() as session:
            priced = quotes.make(session, member_id, offer.offer_id, 1, clock.now(), 3_600)
        body = json.dumps({"quote": ids.public("quo", member_id, priced.quote.quote_id)}).encode()
        headers = {"Authorization": f"Bearer {signed_in(member_id)}", "Idempotency-Key": str(uuid4())}
        made.append(client.request("POST", "/v1/redemptions", headers, body))
    return made


def _redeemed(member_id: int, offer: Offer) -> tuple[int, int]:
    by = By(f"member:{member_id}", "member_web")
    with database.begin() as session:
        priced = quotes.make(session, member_id, offer.offer_id, 1, clock.now(), 3_600)
        made: Redemption = redeem(session, member_id, priced.quote.quote_id, by, clock.now())
        return made.member_id, made.redemption_id


def _state(place: tuple[int, int]) -> str:
    with database.begin() as session:
        return find(session, *place).state


@contextmanager
def billing(faults: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The billing sandbox on loopback, with faults of its own."""
    stand_in = sandbox.create_sandbox(None)
    answer = stand_in.test_client().put("/sandbox/faults", json=faults)
    if answer.status_code != 200:
        raise RuntimeError(answer.text)
    httpd = sandbox.server(stand_in, 0)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.port}", stand_in
    finally:
        httpd.shutdown()
        httpd.server_close()
