"""A process whose clock is wrong: `python -m tests.torture.clocks PROGRAMME SHIFT told|own`. One line of JSON: what was not as it
must be.

`told`: libfaketime has moved this process's clock already. `own`: `base.clock` alone is moved, as tests do.
"""

import json
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import text

from app import proof
from app.proving import snapshot
from app.web import create_app
from app.wiring import wire
from base import clock, database
from base.config import Config
from points import expiry, programmes
from points.programmes import ProgrammeUnknown
from tests import given
from tests.given import caller, member_token

UNITS = {"d": 86_400, "h": 3_600}
KEY = uuid.UUID(int=7)


@contextmanager
def shifted(said: str) -> Iterator[None]:
    found = re.fullmatch(r"([+-]\d+)([dh])", said)
    seconds = int(found[1]) * UNITS[found[2]] if found else 0
    with clock.stopped(clock.now() + timedelta(seconds=seconds)):
        yield


def main() -> None:
    """Redeem under a key that never changes, redeem under a new one, let lapse what has lapsed, twice; look at the books."""
    code, shift, how = sys.argv[1:]
    config = Config.from_env().at(code_above_points=10**12, code_above_fen=10**12)
    wire(config, pool_size=4, statement_timeout_ms=60_000)
    if how == "told":
        wrong = visit(config, code)
    else:
        with shifted(shift):
            wrong = visit(config, code)
    sys.stdout.write(json.dumps({"wrong": wrong}) + "\n")


def visit(config: Config, code: str) -> list[str]:
    programme_id, member_id, offer = _world(config, code)
    who = caller(create_app(config), member_token(member_id))
    wrong = []
    before = _count("select count(*) from redemption where member_id = :m", member_id)
    for _ in range(2):
        quote = who.quote(offer)
        first = (
            who.post("/v1/redemptions", {"quote": quote.json["id"]}, key=str(uuid.uuid4()))
            if quote.status_code == 201
            else quote
        )
        if first.status_code not in (201, 404, 409, 410, 422):
            wrong.append(f"redeeming: {first.status_code} {first.text[:150]}")
    told = who.post("/v1/redemptions", {"quote": _first_quote(member_id)}, key=str(KEY))
    if told.status_code != 201 or (before and "Idempotency-Replayed" not in told.headers):
        wrong.append(f"the first key was answered {told.status_code} {told.text[:150]}")
    wrong += _sweep(programme_id)
    with snapshot() as session:  # others go on meanwhile
        wrong += [f"{f.rule}: {f.place}: {f.text}" for f in proof.findings(session, members=[member_id])][:3]
    return wrong


def _sweep(programme_id: int) -> list[str]:
    """Twice; the second one finds nothing to do."""
    lapsed = []
    for _ in range(2):
        at = clock.now()
        with database.begin() as session:
            programme = programmes.by_id(session, programme_id)
            on = clock.day(at, programme.zone)
            where = expiry.window(session, programme, on, at)
            members, _, _ = expiry.due(session, programme, where, expiry.start(where))
            lapsed.append(expiry.sweep(session, programme, members, on, at).lapsed_points)
    return [f"{lapsed[1]} points lapsed twice"] if lapsed[1] else []


def _world(config: Config, code: str):  # type: ignore[no-untyped-def]
    """Made by the first of these processes, found by the others."""
    from sqlalchemy import select

    from catalog.offers.models import Offer
    from points.members.models import Member

    try:
        with database.begin() as session:
            programme = programmes.by_code(session, code)
            offer = session.scalars(select(Offer).where(Offer.programme_id == programme.programme_id)).one()
            member = session.scalars(
                select(Member).where(Member.programme_id == programme.programme_id)
            ).one()
    except ProgrammeUnknown:
        programme = given.given_programme(code)
        offer = given.given_offer(programme, "perk", value_fen=10, most_units=1)
        member_id = given.given_member(config, programme)
        given.given_points(member_id, 500, last_day=clock.now().date() + timedelta(days=200))
        given.given_points(member_id, 500, last_day=clock.now().date() + timedelta(days=900))
        who = caller(create_app(config), member_token(member_id))
        who.post("/v1/redemptions", {"quote": who.quote(offer).json["id"]}, key=str(KEY))
        return programme.programme_id, member_id, offer
    return programme.programme_id, member.member_id, offer


def _first_quote(member_id: int) -> str:
    from base import ids

    number = _count("select min(quote_id) from redemption where member_id = :m", member_id)
    return ids.public("quo", member_id, number)


def _count(statement: str, member_id: int) -> int:
    with database.begin() as session:
        return int(session.scalar(text(statement), {"m": member_id}) or 0)


if __name__ == "__main__":
    main()
