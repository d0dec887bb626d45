"""How many one member, and all together, may have of an offer: windows, words, what was given back, and races."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from base import clock, database, ids
from base.channels import MEMBER_WEB
from base.errors import Problem
from catalog.offers import limits, offers
from catalog.offers.limits import BadLimits, Limit
from catalog.offers.models import TRIAL_CARD, OfferCount
from catalog.redemptions import courses, redemptions
from catalog.redemptions.course import By
from catalog.redemptions.courses import Course
from catalog.redemptions.models import Quote
from tests.catalog.redemptions.test_races import at_once
from tests.given import caller, given_member, given_offer, given_programme, given_shop, member_token
from tests.owner import forget_everything
from tests.sparse import examples

ZONE, NEW_YORK = "Asia/Shanghai", "America/New_York"
SHANGHAI = ZoneInfo(ZONE)


def at(month: int, day: int, hour: int = 12, zone: str = ZONE, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC)


WINDOWS = [
    ("day", at(1, 31, 23), at(1, 31, 0), at(2, 1, 0)),
    ("month", at(1, 31, 23), at(1, 1, 0), at(2, 1, 0)),
    ("month", at(12, 31, 23), at(12, 1, 0), at(1, 1, 0, year=2027)),
    ("month", at(2, 28, 23), at(2, 1, 0), at(3, 1, 0)),
    ("year", at(12, 31, 23), at(1, 1, 0), at(1, 1, 0, year=2027)),
    ("ever", at(12, 31, 23), None, None),
]


@pytest.mark.parametrize(("per", "moment", "since", "resets"), WINDOWS)
def test_a_calendar_window_is_that_of_the_programmes_zone(per, moment, since, resets):
    limit = Limit(1, "member", per)

    assert limit.since(moment, ZONE) == since
    assert limit.resets_at(moment, ZONE) == resets


def test_a_day_on_which_the_clock_is_moved_has_23_or_25_hours():
    limit = Limit(1, "member", "day")
    spans = []
    for moment in (at(3, 8, zone=NEW_YORK), at(11, 1, zone=NEW_YORK)):
        spans.append(limit.resets_at(moment, NEW_YORK) - limit.since(moment, NEW_YORK))

    assert spans == [timedelta(hours=23), timedelta(hours=25)]


def told(limit: Limit, had, wanted: int = 1, moment=None, **more):
    found = limits.check((limit,), had, wanted, moment or at(11, 26), ZONE, **more)
    return found and (found.facts["explanation"], found.facts.get("possible_from"))


def test_a_refusal_says_how_many_and_from_when():
    month, rolling = Limit(2, "member", "month"), Limit(3, "member", "ever", 30)
    had = [(at(11, 3), 1), (at(11, 20, 9), 1), (at(10, 30), 1)]

    assert told(month, had) == (
        {
            "zh-CN": "每月每人最多 2 份，您已有 2 份；从 2026 年 12 月 1 日起。",
            "en": "At most 2 in a month for each member; you had 2; possible from 1 December 2026.",
        },
        "2026-12-01T00:00:00+08:00",
    )
    assert told(rolling, had)[1] == "2026-11-29T12:00:00+08:00"
    assert told(rolling, had, 2) == (
        {
            "zh-CN": "每 30 天内每人最多 3 份，您已有 3 份；从 2026 年 12 月 3 日 12:00起。",
            "en": "At most 3 within 30 days for each member; you had 3; possible from 3 December 2026, 12:00.",
        },
        "2026-12-03T12:00:00+08:00",
    )
    assert told(rolling, had, moment=at(11, 29)) is None
    assert told(month, had, 3)[1] is None
    assert told(month, had, until=at(11, 30)) == (
        {"zh-CN": "每月每人最多 2 份，您已有 2 份。", "en": "At most 2 in a month for each member; you had 2."}, None
    )  # fmt: skip


HAD = st.lists(
    st.tuples(st.integers(0, 24 * 70).map(lambda h: at(10, 1) + timedelta(hours=h)), st.integers(1, 3)),
    max_size=12,
)
LIMITS = st.builds(Limit, st.integers(1, 6), st.just("member"), st.sampled_from(["day", "month", "year", "ever"])) | (
    st.builds(Limit, st.integers(1, 6), st.just("member"), st.just("ever"), st.integers(1, 40))
)  # fmt: skip


@settings(max_examples=examples(150))
@given(LIMITS, HAD, st.integers(1, 4))
def test_a_limit_counts_what_its_window_holds_and_what_is_named_is_the_first_moment_that_it_allows(
    limit, had, wanted
):
    moment = at(12, 10)

    def counts(one: datetime, now: datetime) -> bool:
        mine, today = one.astimezone(SHANGHAI), now.astimezone(SHANGHAI)
        if limit.days:
            return one > now - timedelta(days=limit.days)
        return {
            "day": mine.date() == today.date(),
            "month": (mine.year, mine.month) == (today.year, today.month),
            "year": mine.year == today.year,
            "ever": True,
        }[limit.per]

    def used(now: datetime) -> int:
        return sum(units for one, units in had if counts(one, now))

    refusal = limits.check((limit,), had, wanted, moment, ZONE)

    assert (refusal is not None) == (used(moment) + wanted > limit.most)
    if refusal and "possible_from" in refusal.facts:
        first = datetime.fromisoformat(refusal.facts["possible_from"])
        assert used(first) + wanted <= limit.most < used(first - timedelta(seconds=1)) + wanted
    elif refusal:
        assert wanted > limit.most or limit.per == "ever"


BAD = [
    "2", {"most": 2}, [{"most": 0, "of": "member", "per": "day"}], [{"most": True, "of": "member", "per": "day"}],
    [{"most": 2, "of": "us", "per": "day"}], [{"most": 2, "of": "member", "per": "week"}],
    [{"most": 2, "of": "member", "per": {"days": 0}}], [{"most": 2, "of": "all", "per": {"days": 30}}],
    [{"most": 2, "of": "member", "per": "day", "x": 1}],
    [{"most": 2, "of": "member", "per": "day"}, {"most": 3, "of": "member", "per": "day"}],
]  # fmt: skip


@pytest.mark.parametrize("said", BAD)
def test_what_cannot_be_a_limit_is_refused_by_its_row(said):
    with pytest.raises(BadLimits) as refused:
        limits.of(said)

    assert refused.value.facts["field"].startswith("limits")


def test_limits_go_to_json_and_back():
    said = [
        {"most": 1, "of": "member", "per": "day"},
        {"most": 9, "of": "member", "per": {"days": 30}},
        {"most": 500, "of": "all", "per": "month"},
    ]

    assert limits.stored(limits.of(said)) == said


def test_the_quote_and_the_confirmation_refuse_in_the_same_words_and_what_was_given_back_does_not_count(
    app, db
):
    programme, shop = given_programme(), given_shop()
    member = caller(app, member_token(given_member(db, programme, points=10_000)))
    offer = given_offer(
        programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100,
        limits=[{"most": 2, "of": "member", "per": "month"}, {"most": 3, "of": "all", "per": "ever"}],
    )  # fmt: skip
    waiting = member.quote(offer).json

    first, second = member.redeem(offer), member.redeem(offer)
    at_the_quote, at_the_end = member.quote(offer), member.post("/v1/redemptions", {"quote": waiting["id"]})
    member.post(f"/v1/redemptions/{first.json['id']}/cancel")
    third, other = member.redeem(offer), caller(app, member_token(given_member(db, programme, points=1_000)))
    others = [other.redeem(offer), other.quote(offer)]

    assert [r.status_code for r in (first, second, third, others[0])] == [201] * 4
    assert [r.status_code for r in (at_the_quote, at_the_end)] == [403, 403]
    apart = {"instance", "request_id"}
    assert {k: v for k, v in at_the_quote.json.items() if k not in apart} == {
        k: v for k, v in at_the_end.json.items() if k not in apart
    }
    assert at_the_quote.json["type"] == "/problems/limit-reached"
    assert {n: at_the_quote.json[n] for n in ("most", "used", "per")} == {
        "most": 2,
        "used": 2,
        "per": "month",
    }
    assert "possible_from" in at_the_quote.json
    assert others[1].json["explanation"]["en"] == "At most 3 in all for all members together; 3 taken."


@pytest.fixture
def free(monkeypatch):
    """Cards without a price can be redeemed: nothing is posted, so nothing but the limit itself locks the wallet."""
    plain = Course(TRIAL_CARD, False, lambda *_: None, lambda *_: None)
    monkeypatch.setitem(courses._courses, TRIAL_CARD, plain)
    monkeypatch.setattr(offers, "why_closed", offers.why_not_given)


@pytest.mark.parametrize(("kind", "of"), [("voucher", "member"), ("voucher", "all"), (TRIAL_CARD, "member")])
def test_of_many_at_once_never_one_more_than_the_limit(db, free, kind, of):
    programme, shop, most, at = given_programme(), given_shop(), 3, clock.now()
    offer = given_offer(
        programme, kind, merchant_id=shop.merchant.merchant_id, value_fen=100, voucher_days=30,
        limits=[{"most": most, "of": of, "per": "day"}],
    )  # fmt: skip
    one = given_member(db, programme, points=10_000)
    who = [one if of == "member" else given_member(db, programme, points=1_000) for _ in range(16)]
    price = 0 if kind == TRIAL_CARD else 100
    with database.begin() as session:
        quoted = [
            Quote(member_id=member_id, quote_id=ids.new_id(), offer_id=offer.offer_id, version_id=offer.version_id,
                  rate_id=1, units=1, price_points=price, value_fen=100, made_at=at, ends_at=at + timedelta(hours=1), lots=[])
            for member_id in who
        ]  # fmt: skip
        session.add_all(quoted)

    def redeem(quote: Quote) -> str:
        while True:
            try:
                with database.begin() as session:
                    redemptions.redeem(
                        session, quote.member_id, quote.quote_id, By("test", MEMBER_WEB), clock.now()
                    )
                return "done"
            except database.StillRunning:
                continue
            except Problem as refusal:
                return type(refusal).__name__

    answers = at_once(*(lambda q=q: redeem(q) for q in quoted))

    with database.begin() as session:
        counted = session.scalar(select(func.sum(OfferCount.units)))
    assert Counter(answers) == {"done": most, "LimitReached": 16 - most}
    assert counted == (most if of == "all" else None)
    if kind == TRIAL_CARD:
        forget_everything(db)  # a card that nobody proposed is no card for verify
