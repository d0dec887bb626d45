"""Budgets: the cap is hard whoever comes at once, two persons set it, and the refusal says when it begins anew."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from base import clock, database, ids
from base.approvals import approvals
from base.errors import Problem
from base.models import AuditRow
from catalog.budgets import budgets, proposals, standing, verify
from catalog.budgets.budgets import (
    BudgetNotRunning,
    BudgetOfAnotherArea,
    BudgetSpent,
    BudgetUnknown,
)
from catalog.budgets.models import Budget
from catalog.budgets.proposals import BadBudget, BudgetExists, OwnBudget, Wanted
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.course import JOB
from tests.catalog.redemptions.test_races import at_once, outcome
from tests.given import (
    caller,
    given_area,
    given_member,
    given_offer,
    given_person,
    given_programme,
    member_token,
    staff_token,
)
from tests.owner import forget_everything, owner
from tests.points.races import no_deadlock

NAMES = {"zh-CN": "双十一", "en": "Singles' day"}
NOON = datetime(2026, 11, 26, 4, tzinfo=UTC)  # 12:00 in the programme's zone
TODAY = date(2026, 11, 26)


@pytest.fixture(autouse=True)
def at_noon():
    with clock.stopped(NOON):
        yield


@pytest.fixture
def programme(db):
    return given_programme()


def wanted(**more) -> Wanted:
    usual = {"from_day": TODAY, "until_day": None, "area": None, "owner": None, "reason": "autumn"}
    return Wanted(
        **(
            {"programme": "gotone", "code": "eleven", "names": NAMES, "cap_fen": 1000, "period": "whole"}
            | usual
            | more
        )
    )


def approved(maker, checker, propose) -> None:
    with database.begin() as session:
        proposal = propose(session, maker).proposal
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), clock.now())


def given_budget(**more) -> Budget:
    asked = wanted(**more)
    approved(
        given_person("editor"),
        given_person("finance"),
        lambda s, who: proposals.propose(s, who, asked, clock.now()),
    )
    with database.begin() as session:
        return session.scalars(select(Budget).where(Budget.code == asked.code)).one()


def raised(budget: Budget, cap_fen: int) -> None:
    approved(
        given_person("editor"),
        given_person("checker"),
        lambda s, who: proposals.propose_amount(
            s, who, budget.budget_id, cap_fen, "it went well", clock.now()
        ),
    )


def given_redemptions(db, programme, count: int, *, area: str | None = None) -> list[dict[str, int]]:
    """Redemptions of members of their own, which the tests spend for."""
    offer, made = given_offer(programme, "perk", value_fen=10), []
    for _ in range(count):
        member_id = given_member(db, programme, points=10)
        if area:
            given_area(member_id, area)
        with database.begin() as session:
            quote = quotes.make(session, member_id, offer.offer_id, 1, clock.now(), 600).quote
            row = redemptions.redeem(session, member_id, quote.quote_id, JOB, clock.now())
            made.append({"member_id": member_id, "redemption_id": row.redemption_id})
    return made


def spend(
    budget: Budget, fen: int, on: dict[str, int], *, at: datetime | None = None, by: int | None = None
) -> str:
    try:
        with database.begin() as session:
            budgets.spend(session, budget.budget_id, fen, at or clock.now(), **on, person_id=by)
        return "spent"
    except Problem as problem:
        return problem.type_name()


def cancelled(on: dict[str, int]) -> None:
    with database.begin() as session:
        redemptions.cancel(session, on["member_id"], on["redemption_id"], JOB, clock.now())
        budgets.give_back(session, on["member_id"], on["redemption_id"], clock.now())


def spent(budget: Budget, at: datetime | None = None) -> tuple[int, int]:
    """Spent, and the cap."""
    with database.begin() as session:
        one = standing.one(session, given_person("finance"), budget.budget_id, at or clock.now())
    return one.spent_fen, one.cap_fen


def alerts() -> list[int]:
    with database.begin() as session:
        asked = select(AuditRow.facts).where(AuditRow.action == "budget.alert").order_by(AuditRow.audit_id)
        return [facts["percent"] for facts in session.scalars(asked)]


def test_a_cap_is_spent_to_the_last_fen_and_not_beyond_whoever_comes_at_once(db, programme):
    budget, made = given_budget(), given_redemptions(db, programme, 14)

    with no_deadlock():
        came = at_once(*(lambda on=on: spend(budget, 100, on) for on in made))

    assert {name: came.count(name) for name in set(came)} == {"spent": 10, "budget-spent": 4}
    assert spent(budget) == (1000, 1000)
    assert alerts() == [80, 100]


def test_what_is_spent_for_a_redemption_is_spent_once_and_given_back_once(db, programme):
    budget, (first, second, third) = given_budget(), given_redemptions(db, programme, 3)

    assert [spend(budget, 600, first), spend(budget, 600, first), spend(budget, 500, second)] == ["spent", "spent", "budget-spent"]  # fmt: skip
    assert (spent(budget), spend(budget, 0, third)) == ((600, 1000), "spent")
    cancelled(first)
    cancelled(third)  # it spent nothing

    assert spent(budget) == (0, 1000)
    assert spend(budget, 1000, second) == "spent"


def test_a_month_begins_anew_and_what_is_given_back_goes_to_its_own_month(db, programme):
    budget, (november, refused, december) = given_budget(period="month"), given_redemptions(db, programme, 3)
    last_moment = datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC)  # in the zone it is still November
    later = last_moment + timedelta(seconds=1)

    assert spend(budget, 900, november) == "spent"
    with pytest.raises(BudgetSpent) as problem, database.begin() as session:
        budgets.spend(session, budget.budget_id, 101, last_moment, **refused)
    assert spend(budget, 700, december, at=later) == "spent"
    with clock.stopped(later):
        cancelled(november)

    assert problem.value.facts == {"resets_on": "2026-12-01"}
    assert problem.value.detail == "It begins anew on 2026-12-01."
    assert (spent(budget), spent(budget, later)) == ((0, 1000), (700, 1000))


def test_more_money_is_a_further_row_and_it_counts_from_its_approval(db, programme):
    budget, (first, second, third) = given_budget(), given_redemptions(db, programme, 3)

    assert [spend(budget, 1000, first), spend(budget, 1, second)] == ["spent", "budget-spent"]
    with clock.stopped(NOON + timedelta(hours=1)):
        raised(budget, 2000)
        assert spend(budget, 1000, second, at=NOON) == "budget-spent"  # before the approval
        assert [spend(budget, 600, second), alerts()] == ["spent", [80, 100, 80]]
        raised(budget, 0)
        assert spend(budget, 1, third) == "budget-spent"
        assert spent(budget) == (1600, 0)
    with database.begin() as session:
        assert [row.cap_fen for row in standing.amounts(session, budget.budget_id)] == [1000, 2000, 0]


def test_a_redemption_is_charged_to_the_budget_of_its_offer_and_gives_back_when_it_is_cancelled(
    app, db, programme
):
    budget = given_budget(period="month")
    offer = given_offer(programme, "perk", value_fen=100, cost_fen=400, stock=9, budget_id=budget.budget_id)
    buyers = [caller(app, member_token(given_member(db, programme, points=100))) for _ in range(8)]
    asked = [(buyer, buyer.quote(offer).json["id"]) for buyer in buyers]

    with no_deadlock():
        answers = at_once(*(lambda b=b, q=q: b.post("/v1/redemptions", {"quote": q}) for b, q in asked))
    bought = [
        (buyer, answer) for buyer, answer in zip(buyers, answers, strict=True) if answer.status_code == 201
    ]

    assert outcome(answers) == {"201": 2, "409 budget-spent": 6}
    refused = next(answer.json for answer in answers if answer.status_code == 409)
    assert (refused["resets_on"], "left_fen" in refused) == ("2026-12-01", False)
    assert sorted(buyer.spendable() for buyer in buyers) == [0, 0] + [100] * 6
    # One hands it back while others try again: points, budget and stock agree at the end, and nobody waits in a ring.
    buyer, answer = bought[0]
    again = [
        (other, other.quote(offer).json["id"]) for other in buyers if other not in [one for one, _ in bought]
    ]
    with no_deadlock():
        at_once(
            lambda: buyer.post(f"/v1/redemptions/{answer.json['id']}/cancel"),
            *(lambda b=b, q=q: b.post("/v1/redemptions", {"quote": q}) for b, q in again),
        )
    assert spent(budget)[0] in (400, 800)  # and verify after the test holds it against the redemptions


def test_a_persons_budget_is_spent_by_that_person_and_over_it_the_refusal_says_who_approves(db, programme):
    manager, other = given_person("support", area="33"), given_person("support")
    budget = given_budget(period="month", owner=f"staff:{manager.staff_id}")
    first, second = given_redemptions(db, programme, 2)

    assert spend(budget, 800, first, by=manager.staff_id) == "spent"
    assert (
        spend(budget, 1, second) == spend(budget, 1, second, by=other.staff_id) == "budget-of-somebody-else"
    )
    with pytest.raises(BudgetSpent) as problem, database.begin() as session:
        budgets.spend(session, budget.budget_id, 300, NOON, **second, person_id=manager.staff_id)

    assert problem.value.facts == {
        "resets_on": "2026-12-01", "left_fen": 200, "needs_fen": 300, "approved_by": ["checker", "finance", "finance-checker"],
    }  # fmt: skip
    assert "200 fen are left, 300 are needed" in problem.value.detail
    assert "checker or finance" in problem.value.detail
    with database.begin() as session:
        for person, own in ((manager, 1), (other, 0)):
            assert len(standing.listed(session, person, programme, NOON, own=True)) == own
        assert len(standing.listed(session, manager, programme, NOON)) == 1
        with pytest.raises(BudgetUnknown):
            standing.one(session, given_person("support", area="44"), budget.budget_id, NOON)
    # Nobody approves a budget of their own, new or larger.
    both = given_person("finance")
    with pytest.raises(OwnBudget):
        approved(given_person("editor"), both, lambda s, who: proposals.propose(s, who, wanted(code="mine", owner=f"staff:{both.staff_id}"), NOON))  # fmt: skip


def test_before_and_after_its_days_and_for_another_area_nothing_is_spent(db, programme):
    days = {"from_day": TODAY + timedelta(days=1), "until_day": TODAY + timedelta(days=2)}
    later, local = given_budget(**days), given_budget(code="local", area="33")
    (here,), (there,) = (
        given_redemptions(db, programme, 1, area="3301"),
        given_redemptions(db, programme, 1, area="44"),
    )

    def on(day: int) -> datetime:
        return clock.start_of(TODAY + timedelta(days=day), programme.zone)

    not_running, elsewhere = BudgetNotRunning.type_name(), BudgetOfAnotherArea.type_name()
    assert [spend(later, 1, there, at=moment) for moment in (NOON, on(3))] == [not_running, not_running]
    assert spend(later, 1, there, at=on(3) - timedelta(seconds=1)) == "spent"
    assert [spend(local, 1, there), spend(local, 1, here)] == [elsewhere, "spent"]


@pytest.mark.parametrize(
    "more",
    [
        {"code": "Eleven"}, {"cap_fen": -1}, {"period": "week"}, {"names": {"en": "x"}}, {"reason": ""},
        {"from_day": TODAY - timedelta(days=1)}, {"until_day": TODAY - timedelta(days=1)}, {"until_day": date.max},
        {"from_day": date.min}, {"from_day": date.max},
    ],
)  # fmt: skip
def test_what_cannot_be_a_budget_is_refused_by_the_name_of_its_field(db, programme, more):
    with pytest.raises(BadBudget) as problem, database.begin() as session:
        proposals.propose(session, given_person("editor"), wanted(**more), NOON)

    assert [error["pointer"] for error in problem.value.facts["errors"]] == [f"/{next(iter(more))}"]


def test_budgets_over_the_api(app, db, programme):
    editor, finance = caller(app, staff_token("editor")), caller(app, staff_token("finance"))
    ask = {
        "programme": "gotone", "code": "eleven", "names": NAMES, "cap_fen": 1000, "period": "month",
        "from_day": str(TODAY), "owner": "support@example.test", "reason": "autumn",
    }  # fmt: skip
    unknown = editor.post("/v1/budget-proposals", ask)
    support = caller(app, staff_token("support"))

    def decided(answer):
        place = f"/v1/budget-proposals/{answer.json['id']}/approve"
        return finance.post(place, {"content_hash": answer.json["content_hash"]}).status_code

    key = "11111111-1111-4111-8111-111111111111"
    first, again = (editor.post("/v1/budget-proposals", ask, key=key) for _ in range(2))
    second = editor.post("/v1/budget-proposals", ask)
    assert (unknown.status_code, first.status_code, first.json == again.json) == (404, 201, True)
    assert [decided(first), decided(second)] == [200, 409]  # the code is taken meanwhile
    (row,) = support.get("/v1/budgets", programme="gotone", own="true").json["data"]
    assert editor.get("/v1/budgets", programme="gotone", own="true").json["data"] == []
    assert (
        decided(editor.post(f"/v1/budgets/{row['id']}/amounts", {"cap_fen": 1500, "reason": "more"})) == 200
    )
    (on,) = given_redemptions(db, programme, 1)
    budget_id, owner_id = ids.parse("bud", row["id"], parts=1)[0], int(row["owner"].removeprefix("staff:"))
    with database.begin() as session:
        budgets.spend(session, budget_id, 1200, NOON, **on, person_id=owner_id)

    seen = finance.get(f"/v1/budgets/{row['id']}").json

    assert {name: seen[name] for name in ("cap_fen", "spent_fen", "left_fen", "used_percent", "alert_percent", "resets_on")} == {
        "cap_fen": 1500, "spent_fen": 1200, "left_fen": 300, "used_percent": 80, "alert_percent": 80, "resets_on": "2026-12-01",
    }  # fmt: skip
    assert [one["cap_fen"] for one in seen["amounts"]] == [1000, 1500]
    assert seen["periods"] == [{"period_from": "2026-11-01", "spent_fen": 1200}]
    assert len(finance.get("/v1/budgets", programme="gotone", alert="true").json["data"]) == 1
    assert finance.get("/v1/budget-proposals", state="approved").json["data"][0]["what"] == "amount"
    with pytest.raises(BudgetExists), database.begin() as session:
        proposals.propose(session, given_person("editor"), wanted(), NOON)


PLANTED = {
    "update budget_period set spent_fen = spent_fen - 1": "its counter says 699 fen, its uses add up to 700",
    "delete from budget_period": "its counter says None fen",
    "update budget_use set fen = 700 where not back and fen = 300": "it gives back what was not spent",
    "delete from budget_use where back": "ended otherwise than the use",
    "update budget_use set redemption_id = 5 where fen = 700": "its redemption is not there",
    "update budget_amount set cap_fen = 600": "it never had more than 600",
    "update budget_amount set cap_fen = 900": "it is not what was approved",
    "update budget_amount set approval = 'apr_1'": "no second person approved it",
    "update redemption set budget_id = 5, cost_fen = 1": "its budget was not charged what it costs",
    "update budget set area = '33'": "it is not what was approved",
    "update budget set owner_id = 5": "it is not what was approved",
    "delete from budget_amount": "is in 0 amounts",
}


@pytest.mark.parametrize("tampering", PLANTED)
def test_each_tampering_is_named(db, programme, tampering):
    budget, (first, second) = given_budget(), given_redemptions(db, programme, 2)
    spend(budget, 700, first)
    spend(budget, 300, second)
    cancelled(second)
    with database.begin() as session:
        assert list(verify.findings(session)) == []

    with owner(db) as connection:
        connection.execute(text(tampering))

    with database.begin() as session:
        assert PLANTED[tampering] in " ".join(one.text for one in verify.findings(session))
    forget_everything(db)
