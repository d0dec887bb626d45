"""Club perks: paid from what a tier allows or with points, alone or with a guest, used once at the provider while the member is there."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from base import clock, database, ids, jobs
from catalog.offers.forms import BadForm
from catalog.offers.models import Offer
from catalog.perks import forms
from points.entitlements.rules import Wanted
from tests.catalog.redemptions.test_races import at_once
from tests.given import (
    caller,
    given_entitlement,
    given_group,
    given_member,
    given_merged,
    given_offer,
    given_programme,
    given_tier,
    member_token,
    reverse_by_two,
    service_key,
)

NOON = datetime(2026, 11, 26, 4, tzinfo=UTC)  # 12:00 in the programme's zone
BOTH = {"perk": "lounge", "pay": ["entitlement", "points"]}


@pytest.fixture(autouse=True)
def at_noon():
    with clock.stopped(NOON):
        yield


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def desk(app, programme):
    return caller(app, service_key(programme, "perks:use"))


def allowed(uses=2, perk="lounge", **more):
    names = {"zh-CN": "机场贵宾厅", "en": "Airport lounge"}
    usual = {"programme": "gotone", "from_day": date(2026, 1, 1), "period": "year", "uses": {"gold": uses}}
    given_entitlement(Wanted(perk=perk, names=names, **usual | more))


@pytest.fixture
def member_id(db, programme):
    return given_tier(given_member(db, programme, points=1000), "gold")


@pytest.fixture
def gold(app, member_id):
    return caller(app, member_token(member_id))


def left(member, perk="lounge"):
    return {row["perk"]: row["left"] for row in member.get("/v1/members/me/entitlements").json}[perk]


def kind_of(answer):
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def used_at(desk, redemption, *, guests=0, present=True, key=None):
    body = {"redemption": redemption["id"], "member_present": present, "guests": guests}
    return desk.post("/v1/perks/uses", body, key=key)


def test_uses_come_from_the_allowance_then_from_points_and_go_back_where_they_came_from(programme, gold):
    allowed(2)
    offer = given_offer(programme, "perk", value_fen=300, form=BOTH)

    quote = gold.quote(offer).json
    first, second, third = (gold.redeem(offer).json for _ in range(3))

    assert (quote["price_points"], quote["pay"], quote["lots"]) == (0, "entitlement", [])
    assert quote["allowances"][0]["words"]["en"] == "From your allowance: 2 of 2 left, resets on 2027-01-01."
    assert [row["price_points"] for row in (first, second, third)] == [0, 0, 300]
    assert [row["state"] for row in (first, second, third)] == ["fulfilled"] * 3
    assert (gold.spendable(), left(gold)) == (700, 0)
    for row in (second, third):
        assert gold.post(f"/v1/redemptions/{row['id']}/cancel").json["state"] == "cancelled"
    assert (gold.spendable(), left(gold)) == (1000, 1)
    assert gold.quote(offer, pay="points").json["price_points"] == 300
    assert gold.quote(offer, pay="entitlement").json["price_points"] == 0


def test_one_more_than_is_allowed_is_refused_with_the_day_on_which_it_begins_anew(
    app, db, programme, member_id, gold
):
    allowed(1)
    alone = given_offer(programme, "perk", form={"perk": "lounge", "pay": ["entitlement"]})
    both = given_offer(programme, "perk", form=BOTH)
    gold.redeem(alone)
    plain = caller(app, member_token(given_member(db, programme, points=1000)))

    refused, chosen = gold.quote(alone), gold.quote(both, pay="entitlement")

    assert {kind_of(refused), kind_of(chosen)} == {"409 entitlement-used-up"}
    assert refused.json["resets_on"] == "2027-01-01"
    assert kind_of(gold.quote(alone, pay="points")) == "422 pay-choice"
    assert kind_of(plain.quote(alone)) == "403 not-entitled"
    assert plain.quote(both).json["pay"] == "points"
    with clock.stopped(NOON + timedelta(days=40)):
        again = caller(app, member_token(member_id))
        assert again.quote(alone).json["price_points"] == 0


def test_of_two_at_once_for_the_last_use_one_wins(programme, gold):
    allowed(1)
    offer = given_offer(programme, "perk", form={"perk": "lounge", "pay": ["entitlement"]})
    quotes = [gold.quote(offer).json["id"] for _ in range(4)]

    answers = at_once(*(lambda q=q: gold.post("/v1/redemptions", {"quote": q}) for q in quotes))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert left(gold) == 0


def test_a_guest_has_a_price_or_a_counter_of_the_own(programme, gold):
    allowed(3)
    allowed(1, "lounge-guest")
    half = given_offer(
        programme, "perk", value_fen=300, form=BOTH | {"guests": {"most": 2, "price_percent": 50}}
    )
    own = given_offer(
        programme, "perk", value_fen=300, form=BOTH | {"guests": {"most": 2, "counter": "lounge-guest"}}
    )
    whole = given_offer(programme, "perk", value_fen=300, form={"guests": {"most": 1}})

    paid = gold.redeem(half, guests=2).json
    counted = gold.redeem(own, guests=1).json

    assert (paid["price_points"], paid["value_fen"]) == (300, 900)
    assert (counted["price_points"], left(gold), left(gold, "lounge-guest")) == (0, 1, 0)
    assert kind_of(gold.quote(own, guests=1)) == "409 entitlement-used-up"
    assert kind_of(gold.quote(half, guests=3)).endswith("too-many-guests")
    assert gold.quote(whole, guests=1).json["price_points"] == 600
    for row in (paid, counted):
        gold.post(f"/v1/redemptions/{row['id']}/cancel")
    assert (gold.spendable(), left(gold), left(gold, "lounge-guest")) == (1000, 3, 1)


def test_a_named_guest_is_the_companion_by_consent(app, db, programme, gold):
    offer = given_offer(programme, "perk", value_fen=100, form={"guests": {"most": 1, "named": True}})
    friend = caller(app, member_token(given_member(db, programme, phone="13700002222")))
    alone = gold.quote(offer, guests=1)
    link = gold.post("/v1/members/me/companions", {"phone": "13700002222"}).json["id"]
    friend.post(f"/v1/members/me/companions/{link}/confirm")

    assert kind_of(alone) == "409 no-companion"
    assert gold.redeem(offer, guests=1).json["price_points"] == 200


def test_a_perk_is_used_once_while_the_member_is_there_and_then_stays(app, programme, gold, desk):
    offer = given_offer(programme, "perk", form={"guests": {"most": 1, "price_percent": 0}})
    made = gold.redeem(offer, guests=1).json

    alone = used_at(desk, made, guests=1, present=False)
    many = used_at(desk, made, guests=2)
    used, again = used_at(desk, made, guests=1, key="k"), used_at(desk, made, guests=1)
    other = used_at(desk, made, guests=0)

    assert kind_of(alone) == "403 guest-alone"
    assert kind_of(many).endswith("too-many-guests")
    assert (used.status_code, used.json["outcome"], used.json["guests"]) == (200, "used", 1)
    assert (again.json, kind_of(other)) == (used.json, "409 perk-used")
    assert kind_of(gold.post(f"/v1/redemptions/{made['id']}/cancel")) == "409 perk-used"
    assert kind_of(reverse_by_two(app, made)) == "409 perk-used"
    elsewhere = caller(app, service_key(given_programme("mzone"), "perks:use"))
    assert kind_of(used_at(elsewhere, made)) == "404 redemption-unknown"


def test_what_was_not_used_is_reversed_by_a_person_and_is_used_no_more(app, programme, gold, desk):
    allowed(1)
    offer = given_offer(programme, "perk", form=BOTH)
    made = gold.redeem(offer).json
    assert reverse_by_two(app, made).status_code == 200

    assert gold.get(f"/v1/redemptions/{made['id']}").json["state"] == "reversed"
    assert (left(gold), kind_of(used_at(desk, made))) == (1, "409 perk-not-there")


def test_closed_days_are_refused_with_the_next_free_one_in_words(programme, gold, desk):
    days = ["2026-11-26", "2026-11-27", "2026-12-01"]
    open_now = given_offer(programme, "perk", form={"blackout_days": ["2026-12-01"]})
    closed = given_offer(programme, "perk", form={"blackout_days": days})
    made = gold.redeem(open_now).json

    refused = gold.quote(closed)
    with clock.stopped(NOON + timedelta(days=5)):
        at_desk = used_at(desk, made)

    assert (kind_of(refused), refused.json["next_day"]) == ("409 perk-closed", "2026-11-28")
    assert refused.json["explanation"]["en"] == "The next free day is 2026-11-28."
    assert (kind_of(at_desk), at_desk.json["next_day"]) == ("409 perk-closed", "2026-12-02")


@pytest.mark.parametrize(
    ("counts_as", "state", "after"), [("used", "fulfilled", 0), ("given_back", "cancelled", 1)]
)
def test_who_does_not_come_has_used_it_or_has_it_back_as_the_offer_says(
    db, programme, gold, desk, counts_as, state, after
):
    allowed(2)
    rule = {"after_days": 7, "counts_as": counts_as}
    offer = given_offer(programme, "perk", form=BOTH | {"no_show_rule": rule})
    came, missed = gold.redeem(offer).json, gold.redeem(offer).json
    used_at(desk, came)

    with clock.stopped(NOON + timedelta(days=7)):
        jobs.drain(db.database_url)
        late = used_at(desk, missed)

    assert gold.get(f"/v1/redemptions/{came['id']}").json["state"] == "fulfilled"
    assert gold.get(f"/v1/redemptions/{missed['id']}").json["state"] == state
    assert left(gold) == after
    assert late.status_code == 409


def test_of_who_was_merged_meanwhile_a_use_that_nobody_took_counts_as_missed(db, programme, gold, member_id):
    rule = {"after_days": 7, "counts_as": "given_back"}
    offer = given_offer(programme, "perk", form={"no_show_rule": rule})
    made = gold.redeem(offer).json
    given_merged(member_id, given_member(db, programme))

    with clock.stopped(NOON + timedelta(days=7)):
        jobs.drain(db.database_url)

    with database.begin() as session:
        rows = session.execute(text("select r.state, u.outcome from redemption r left join perk_use u "
                                    "using (member_id, redemption_id)")).all()  # fmt: skip
        failed = session.scalar(text("select count(*) from procrastinate_jobs where status = 'failed'"))
    assert ([tuple(row) for row in rows], failed) == ([("fulfilled", "missed")], 0), made


def test_the_use_of_a_redemption_is_not_undone_beside_it(app, programme, gold):
    allowed(1)
    made = gold.redeem(given_offer(programme, "perk", form=BOTH)).json
    system = caller(app, service_key(programme, "entitlements:write"))
    use = gold.get("/v1/members/me/entitlement-uses").json["data"][0]

    alone = system.post(f"/v1/entitlement-uses/{use['id']}/undo")
    with_it = gold.post(f"/v1/redemptions/{made['id']}/cancel")

    assert (kind_of(alone), with_it.status_code, left(gold)) == ("409 use-of-redemption", 200, 1)


def test_a_groups_points_pay_but_no_allowance_does(app, db, programme):
    allowed(1)
    offer = given_offer(programme, "perk", value_fen=100, form=BOTH)
    ann = given_tier(given_member(db, programme), "gold")
    group = ids.public("grp", given_group(db, programme, points=500, caps={ann: 500}))
    ann = caller(app, member_token(ann))

    assert ann.redeem(offer, group=group).json["price_points"] == 100
    assert kind_of(ann.quote(offer, group=group, pay="entitlement")) == "422 pay-choice"
    assert left(ann) == 1


def test_other_kinds_refuse_what_only_perks_and_gifts_understand(programme, gold):
    offer = given_offer(programme, "bill_credit")

    refused = gold.quote(offer, guests=1, to="13900000009")

    assert (kind_of(refused), refused.json["fields"]) == ("422 asked-too-much", ["guests", "to"])


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"seats": 1}, "form"),
        ({"pay": []}, "form.pay"),
        ({"pay": ["cash"]}, "form.pay"),
        ({"pay": ["entitlement"]}, "form.perk"),
        ({"guests": {"most": 9}}, "form.guests.most"),
        ({"guests": {"most": 1, "price_percent": 50, "counter": "x"}}, "form.guests"),
        ({"guests": {"most": 1, "price_percent": True}}, "form.guests.price_percent"),
        ({"blackout_days": ["26.11.2026"]}, "form.blackout_days"),
        ({"no_show_rule": {"after_days": 0}}, "form.no_show_rule.after_days"),
        ({"no_show_rule": {"after_days": 1, "counts_as": "fined"}}, "form.no_show_rule.counts_as"),
    ],
)
def test_a_form_that_no_perk_has_is_refused_by_its_field(form, field):
    with pytest.raises(BadForm) as refused:
        forms.check(Offer(form=form, most_units=1))

    assert refused.value.facts["field"] == field
