"""A posting's sentence: its arithmetic is the posting's, in both languages, whatever the line, the rule or the kind."""

import re
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points import lots, policies
from points.explain import (
    Correction,
    Payment,
    Reckoning,
    explain,
    purchase_reference,
    question,
    tier_name,
)
from points.factors import BIRTHDAY, TENURE, TIER
from points.kinds import Kind
from points.models import EarnFactor, EarnRule, PostingRow

NUMBER = r"([\d,]+(?:\.\d\d)?)"
ERN = f"ern_{'0' * 26}"
BILL = Reckoning("2026-09", 1, 29_900, 5_000, 1, 100, "CNY")


def posting(kind, amount, **more):
    values = {"kind": int(kind), "amount": amount, "lots": [], "debt_after": 0, "ref": None, "rev_of": None}
    return PostingRow(**(values | {"value_fen": None} | more))


def factor(percent, kind=TIER, *, adds=False, tier=None, least_years=None):
    return EarnFactor(kind=kind, percent=percent, adds=adds, tier=tier, least_years=least_years)


def fen(text):
    """ "1,299.00" -> 129900."""
    assert re.fullmatch(r"\d{1,3}(,\d{3})*\.\d\d", text), text
    return int(re.sub(r"[,.]", "", text))


def whole(text):
    return int(text.replace(",", ""))


def recomputed(sentence, language):
    """The sum that a sentence states, done again with nothing but its own numbers; and the result it states."""
    if language == "en":
        amount = re.search(rf"{NUMBER} yuan", sentence)
        less = re.search(rf"less {NUMBER} waived", sentence)
        rule = re.search(rf"{NUMBER} points? per {NUMBER} yuan", sentence)
        stated = re.search(rf"= {NUMBER} points?", sentence)
        points, per = rule.groups()
    else:
        amount = re.search(rf"{NUMBER} 元", sentence)
        less = re.search(rf"减免 {NUMBER} 元", sentence)
        rule = re.search(rf"每 {NUMBER} 元 {NUMBER} 积分", sentence)
        stated = re.search(rf"= {NUMBER} 积分", sentence)
        per, points = rule.groups()
    paid = fen(amount[1]) - (fen(less[1]) if less else 0)
    exact = Fraction(paid * whole(points), fen(per))
    sum_told = sentence[: stated.start()]
    added = sum(int(percent) for percent in re.findall(r"\+(\d+) %", sum_told))
    exact *= Fraction(100 + added, 100)
    for times in re.findall(r"[x×]([\d.]+)", sum_told):
        exact *= Fraction(times)
    assert (exact.denominator == 1) == (("rounded down" if language == "en" else "舍去小数") not in sum_told)
    return exact.__floor__(), whole(stated[1])


def part_recomputed(sentence, language, points):
    """The share that a sentence states, done again from what it says is paid of what is due."""
    if language == "en":
        paid, due, rounded, stated = re.search(
            rf"; {NUMBER} of {NUMBER} paid(, rounded down)? = {NUMBER} points?", sentence
        ).groups()
    else:
        due, paid, rounded, stated = re.search(
            rf"；应付 {NUMBER} 已付 {NUMBER}(，舍去小数)? = {NUMBER} 积分", sentence
        ).groups()
    exact = Fraction(points * fen(paid), fen(due))
    assert (exact.denominator == 1) == (rounded is None)
    return exact.__floor__(), whole(stated)


def test_a_bill_line_is_told_as_its_sum():
    told = explain(posting(Kind.EARN, 249), BILL)

    assert told == {
        "en": "299.00 yuan on bill 2026-09 line 1, less 50.00 waived, 1 point per 1.00 yuan = 249 points",
        "zh-CN": "账单 2026-09 第 1 行 299.00 元，减免 50.00 元，每 1.00 元 1 积分 = 249 积分",
    }


def test_a_bill_line_is_told_with_its_factors():
    stars, birthday, years = (
        factor(200, tier="star5"),
        factor(50, BIRTHDAY, adds=True),
        factor(105, TENURE, least_years=1),
    )

    told = explain(posting(Kind.EARN, 498), replace(BILL, factors=(stars,)))
    both = explain(posting(Kind.EARN, 784), replace(BILL, factors=(stars, years, birthday)))

    line = "299.00 yuan on bill 2026-09 line 1, less 50.00 waived, 1 point per 1.00 yuan, x2 for 5 stars"
    assert told["en"] == f"{line} = 498 points"
    assert (
        told["zh-CN"]
        == "账单 2026-09 第 1 行 299.00 元，减免 50.00 元，每 1.00 元 1 积分，5 星 ×2 = 498 积分"
    )
    assert both["en"] == (
        f"{line}, x1.05 after 1 year as a customer, +50 % in the birthday month, rounded down = 784 points"
    )


def test_a_part_that_was_paid_is_told_and_the_payments_after_it():
    part = replace(BILL, paid_fen=10_000)

    came = explain(posting(Kind.EARN, 100), part)
    paid = explain(posting(Kind.EARN, 60), replace(BILL, paid_fen=16_000), Payment("P1", 6_000, 100))
    first = explain(posting(Kind.EARN, 249), replace(BILL, paid_fen=24_900), Payment("P1", 24_900, 0))

    line = "299.00 yuan{}, less 50.00 waived, 1 point per 1.00 yuan = 249 points"
    assert came["en"] == f"{line.format(' on bill 2026-09 line 1')}; 100.00 of 249.00 paid = 100 points"
    assert paid["en"] == (
        f"Payment P1 of 60.00 yuan on bill 2026-09 line 1: {line.format('')}; 160.00 of 249.00 paid = 160 points, "
        "100 of them before; 60 now"
    )
    assert paid["zh-CN"] == (
        "账单 2026-09 第 1 行付款 P1 60.00 元：299.00 元，减免 50.00 元，每 1.00 元 1 积分 = 249 积分；应付 249.00 已付 160.00 = "
        "160 积分，此前 100 积分；本次 60 积分"
    )
    assert first["en"] == f"Payment P1 of 249.00 yuan on bill 2026-09 line 1: {line.format('')}; 249 now"


def test_a_correction_of_a_line_that_is_not_paid_tells_the_part():
    after = replace(BILL, amount_fen=20_000, paid_fen=10_000)

    told = explain(posting(Kind.UNEARN, 20, rev_of=7), after, Correction("K1", 120))

    assert told["en"] == (
        "Correction K1 of bill 2026-09 line 1: 200.00 yuan, less 50.00 waived, 1 point per 1.00 yuan = 150 points; "
        "100.00 of 150.00 paid = 100 points instead of 120; 20 taken back"
    )


@pytest.mark.parametrize(
    ("tier", "words"),
    [
        ("star1", ("1 星", "1 star")),
        ("star7", ("7 星", "7 stars")),
        ("gold", ("金卡", "gold")),
        ("star8", ("等级 star8", "tier star8")),
        ("5", ("等级 5", "tier 5")),
        ("star", ("等级 star", "tier star")),
    ],
)
def test_a_tier_has_a_name_or_stands_for_itself(tier, words):
    assert tier_name(tier) == dict(zip(("zh-CN", "en"), words, strict=True))


def test_a_correction_is_told_with_what_was_before():
    after = Reckoning("2026-09", 1, 20_000, 5_000, 1, 100, "CNY")

    told = [
        explain(posting(kind, amount, rev_of=7), after, Correction("K1", 249))
        for kind, amount in ((Kind.UNEARN, 99), (Kind.UNEARN, 60), (Kind.OWE, 39))
    ]

    begin = "Correction K1 of bill 2026-09 line 1: 200.00 yuan, less 50.00 waived, 1 point per 1.00 yuan = 150 points"
    assert [one["en"] for one in told] == [
        f"{begin} instead of 249; 99 taken back",
        f"{begin} instead of 249; 60 of 99 taken back",
        f"{begin} instead of 249; 39 of 99 had been spent and are owed",
    ]
    assert told[2]["zh-CN"] == (
        "账单 2026-09 第 1 行更正 K1：200.00 元，减免 50.00 元，每 1.00 元 1 积分 = 150 积分，更正前 249 积分；"
        "因已使用而待偿还 39 积分（共 99 积分）"
    )


some_factors = st.tuples(
    st.lists(
        st.builds(factor, st.integers(1, 10_000), adds=st.booleans(), tier=st.sampled_from(["star5", "k9"])),
        max_size=1,
    ),
    st.lists(
        st.builds(
            factor,
            st.integers(1, 10_000),
            st.just(TENURE),
            adds=st.booleans(),
            least_years=st.integers(1, 100),
        ),
        max_size=1,
    ),
    st.lists(st.builds(factor, st.integers(1, 10_000), st.just(BIRTHDAY), adds=st.booleans()), max_size=1),
).map(lambda kinds: tuple(one for kind in kinds for one in kind))
lines = st.builds(
    Reckoning,
    bill_id=st.just("B1"),
    line_no=st.integers(0, 99),
    amount_fen=st.integers(0, 10**13),
    waived_fen=st.integers(0, 10**13),
    points=st.integers(0, 1000),
    per_fen=st.integers(1, 10**6),
    currency=st.just("CNY"),
    factors=some_factors,
).filter(lambda line: line.waived_fen <= line.amount_fen)


@given(line=lines)
def test_the_sum_of_any_line_is_what_the_rule_gives_and_what_is_stated(line):
    rule = EarnRule(points=line.points, per_fen=line.per_fen)
    points = policies.points_for(rule, line.amount_fen, line.waived_fen, line.factors)

    for told in (explain(posting(Kind.EARN, points), line), question(line)):
        for language, sentence in told.items():
            assert recomputed(sentence, language) == (points, points)


@given(line=lines, part=st.integers(0, 10**13), before=st.integers(0, 10**13))
def test_the_part_of_any_line_is_its_share_and_what_is_stated(line, part, before):
    if not line.payable_fen:
        return
    line = replace(line, paid_fen=part % line.payable_fen)
    before = before % (line.earned + 1)
    cause = Payment("P1", line.paid_fen + 1, before)

    for told in (
        explain(posting(Kind.EARN, line.earned), line),
        explain(posting(Kind.EARN, line.earned - before), line, cause),
    ):
        for language, sentence in told.items():
            assert recomputed(sentence.split(": ")[-1].split("元：")[-1], language) == (
                line.result,
                line.result,
            )
            assert part_recomputed(sentence, language, line.result) == (line.earned, line.earned)
    now = re.search(rf"points?(?:, {NUMBER} of them before)?; {NUMBER} now$", told["en"])
    assert whole(now[1] or "0") + whole(now[2]) == line.earned


@given(line=lines, before=st.integers(0, 10**9), taken=st.integers(1, 10**9))
def test_the_sum_of_any_correction_adds_up_to_its_postings(line, before, taken):
    difference = abs(line.result - before)
    kind = Kind.EARN if line.result > before else Kind.UNEARN
    amount = difference if kind is Kind.EARN else min(taken, difference)
    if not amount:
        return

    told = explain(posting(kind, amount, rev_of=1), line, Correction("K1", before))

    for language, sentence in told.items():
        assert recomputed(sentence, language) == (line.result, line.result)
    stated = re.search(rf"instead of {NUMBER}; {NUMBER}(?: of {NUMBER})? (?:more|taken back)", told["en"])
    assert whole(stated[1]) == before
    assert whole(stated[2]) == amount
    assert whole(stated[3] or stated[2]) == difference


def test_no_sum_is_claimed_that_does_not_give_the_points():
    told = explain(posting(Kind.EARN, 250, ref="bill 2026-09 line 1"), BILL)

    assert told["en"] == "250 points collected: bill 2026-09 line 1"
    assert explain(posting(Kind.EARN, 250), BILL, Correction("K1", 249))["en"] == "250 points collected"


def test_another_currency_keeps_its_name():
    told = explain(posting(Kind.EARN, 1), Reckoning("B", 1, 100, 0, 1, 100, "CAD"))

    assert told["en"] == "1.00 CAD on bill B line 1, 1 point per 1.00 CAD = 1 point"


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_sentence_with_its_points(kind):
    day = date(2026, 3, 31)
    row = posting(kind, 1234, rev_of=7, debt_after=50, lots=[lots.key(day, 1), 0, 1234])

    told = explain(row)

    assert list(told) == ["zh-CN", "en"]
    assert "1,234" in told["en"]
    assert "1,234" in told["zh-CN"]
    assert not re.search("[一-鿿]", told["en"])
    assert re.search("[一-鿿]", told["zh-CN"])


def test_no_two_kinds_are_told_alike():
    row = {"rev_of": 7, "lots": [lots.key(date(2026, 3, 31), 1), 0, 5]}

    for language in ("en", "zh-CN"):
        assert len({explain(posting(kind, 5, **row))[language] for kind in Kind}) == len(Kind)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (posting(Kind.REDEEM, 300, ref="red_1", value_fen=3000),
         "300 points spent for redemption red_1, worth 30.00"),
        (posting(Kind.HOLD, 300, ref="red_1", value_fen=3000),
         "300 points set aside for redemption red_1, worth 30.00"),
        (posting(Kind.CAPTURE, 1, rev_of=7), "1 point of movement 7 that were set aside are spent"),
        (posting(Kind.REVERSE, 300, rev_of=7), "300 points of movement 7 given back after a cancellation"),
        (posting(Kind.REPAY, 20, debt_after=5), "20 points repaid what was owed; 5 still owed"),
        (posting(Kind.ADJUST_UP, 20, ref="goodwill"), "20 points added by an approved adjustment: goodwill"),
        (posting(Kind.GIFT_IN, 20, ref="gift_1"), "20 points received as a gift"),
        (posting(Kind.EARN, 54, ref=purchase_reference("tea", ERN, 3650, 150, 10_000)),
         f"Purchase of 36.50 at tea ({ERN}), 150 points per 100.00, rounded down = 54 points"),
        (posting(Kind.EARN, 1, ref=purchase_reference("tea", ERN, 100, 100, 10_000)),
         f"Purchase of 1.00 at tea ({ERN}), 100 points per 100.00 = 1 point"),
        (posting(Kind.EARN, 5, ref="purchase tea"), "5 points collected: purchase tea"),
    ],
)  # fmt: skip
def test_what_no_bill_explains_says_what_moved(row, told):
    assert explain(row)["en"] == told


@given(parts=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 10**6)), min_size=1, max_size=6))
def test_the_parts_of_what_lapsed_add_up(parts):
    flat = [n for month, count in parts for n in (lots.key(date(2026, 1, 1), 1) + (month << 15), 0, count)]
    total = sum(count for _, count in parts)

    told = explain(posting(Kind.EXPIRE, total, lots=flat))["en"]

    assert sum(whole(one) for one in re.findall(rf"{NUMBER} could be spent", told)) == total
