"""Factories that read like the given of a test. Each opens its own transaction, so that what it made is committed."""

import itertools
import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from admin.staff import entries
from admin.staff.models import PASSWORD, StaffRow
from base import clock, database, ids
from base.approvals import approvals
from base.approvals.models import Proposal
from base.auth import api_keys, passwords, sign_ins
from base.auth.principals import Staff
from base.config import Config
from base.notices import notices
from catalog.offers import offers
from catalog.offers.models import Offer
from catalog.rates import rates
from catalog.trial_cards import trial_cards
from merchants import merchants, terms
from merchants.acceptances import Place
from merchants.cycles import Period
from merchants.earnings import earnings
from merchants.earnings.models import Earning
from merchants.models import Acceptance, Merchant, Outlet, Void
from merchants.packs import proposals as pack_proposals
from merchants.packs.models import Pack
from merchants.statements import closing
from merchants.statements.models import Statement
from merchants.terminals import clerks, shifts
from merchants.terminals.models import ClerkRow, Terminal
from points import ledger, lots, policies, programmes
from points.adjustments import adjustments
from points.announcements import announcements
from points.bonuses import rules as bonus_rules
from points.bonuses.models import BonusRule
from points.deeds import Request
from points.entitlements import rules as entitlement_rules
from points.groups import groups, spending
from points.kinds import Kind
from points.members import attributes, members
from points.members.members import Enrolment, Secrets
from points.merges import merges
from points.models import ExtensionRow, Programme
from points.tiers import grants, ladders, running
from points.tiers.reckoning import Step
from tests.tills import Signer, body_of, paired

ZONE = "Asia/Shanghai"
LONG_AGO = date(2020, 1, 1)
_numbers = itertools.count(1)
_signers: dict[str, Signer] = {}  # by the token of a clerk's sign-in


def secrets_of(config: Config) -> Secrets:
    return Secrets(seal_key=config.seal_key, index_key=config.secret_key)


def given_programme(code: str = "gotone", *, minimum_tenure_days: int = 0) -> Programme:
    """A programme with an earn rule (1 point a yuan on plan and data), a policy (36 months) and a rate (100 = 1 yuan)."""
    with database.begin() as session:
        programme = programmes.create(
            session,
            code,
            {"zh-CN": "全球通", "en": "GoTone"},
            zone=ZONE,
            currency="CNY",
            minimum_tenure_days=minimum_tenure_days,
        )
        for line_type in ("plan", "data"):
            policies.add_earn_rule(
                session, programme.programme_id, line_type, LONG_AGO, points=1, per_fen=100
            )
        policies.add_expiry_policy(session, programme.programme_id, policies.BILL_POINTS, LONG_AGO, months=36)
        rates.add(session, programme.programme_id, LONG_AGO, points=100, per_fen=100)
    return programme


def given_member(
    config: Config,
    programme: Programme,
    *,
    points: int = 0,
    phone: str | None = None,
    joined_on: date = LONG_AGO,
) -> int:
    """A member, with points that lapse in two years."""
    number = next(_numbers)
    phone = phone or f"139{number:08d}"
    with database.begin() as session:
        row = Enrolment(f"C{number:06d}", joined_on, phone)
        member_id = members.enrol_many(session, programme, secrets_of(config), [row])[row.customer_id]
    if points:
        given_points(member_id, points)
    return member_id


def given_points(member_id: int, points: int, *, last_day: date | None = None) -> int:
    """Points more, in the lot of a last day; the number of the posting."""
    key = lots.key(last_day or clock.now().date() + timedelta(days=730), policies.BILL_POINTS)
    request = Request(
        member_id, ledger.key("test", str(uuid.uuid4())), Kind.EARN, points, clock.now(), ZONE, lot_key=key
    )
    with database.begin() as session:
        return ledger.post(session, request).seq


def given_group(config: Config, programme: Programme, *, points: int = 0, caps: dict[int, int]) -> int:
    """A group with points, and members of the programme as contacts who may spend so many in a month."""
    group_id = given_member(config, programme, points=points)
    with database.begin() as session:
        at = clock.now()
        customer = members.by_id(session, group_id).customer_id
        group = groups.set_up(session, programme.programme_id, customer, "Acme", "a", at, "test")
        for member_id, cap in caps.items():
            customer = members.by_id(session, member_id).customer_id
            groups.set_contact(session, group, customer, "middle", at, "test")
            spending.set_spender(session, group, customer, cap, at, "test")
    return group_id


@dataclass(frozen=True)
class Shop:
    """A merchant with an outlet, a terminal, a clerk (PIN 123456) and terms (90 % of face, fee 2 %, VAT 6 % of it)."""

    merchant: Merchant
    outlet: Outlet
    terminal: Terminal
    clerk: ClerkRow
    signer: Signer


def given_shop(code: str = "tea", *, void_window_s: int = 900, zone: str = ZONE, **more: Any) -> Shop:
    """A merchant with an outlet, a paired till, clerk 01 (PIN 123456) and terms; `more`: further terms."""
    with database.begin() as session:
        merchant = merchants.add(
            session,
            code,
            {"zh-CN": f"{code} 茶馆", "en": f"{code} house"},
            zone=zone,
            currency="CNY",
            city="Hangzhou",
        )
        outlet = merchants.add_outlet(
            session,
            merchant,
            {"zh-CN": "滨江店", "en": "Binjiang"},
            {"zh-CN": "江南大道 1 号", "en": "1 Jiangnan Road"},
        )
        terminal = clerks.add_terminal(session, outlet, f"{code}-1")
        clerk = clerks.add_clerk(session, outlet, "01", _pin_hash())
        terms.add(
            session,
            merchant.merchant_id,
            LONG_AGO,
            price_bp=9000,
            fee_bp=200,
            vat_bp=600,
            void_window_s=void_window_s,
            **more,
        )
    return Shop(merchant, outlet, terminal, clerk, paired(terminal))


def given_taken(
    shop: Shop,
    at: datetime,
    owed_fen: int = 1_000,
    fee_fen: int = 20,
    vat_fen: int = 1,
    *,
    voided_at: datetime | None = None,
) -> int:
    """An acceptance of the shop as the till leaves it, and its void, written straight; for what is about their sums."""
    number, member_id = ids.new_id(), next(_numbers)
    with database.begin() as session:
        version = terms.versions(session, shop.merchant.merchant_id)[-1]
        session.add(
            Acceptance(
                member_id=member_id, acceptance_id=number, voucher_id=number, use_no=1, units=1,
                merchant_id=shop.merchant.merchant_id, outlet_id=shop.outlet.outlet_id,
                terminal_id=shop.terminal.terminal_id, clerk_id=shop.clerk.clerk_id, terms_id=version.terms_id,
                owed_fen=owed_fen, fee_fen=fee_fen, vat_fen=vat_fen, booked_fen=0, recorded_at=at,
                void_id=number if voided_at else None, currency="CNY", last4="A1B2", offer_names={},
            )
        )  # fmt: skip
        if voided_at:
            session.add(
                Void(
                    member_id=member_id, void_id=number, acceptance_id=number, reason="wrong", recorded_at=voided_at,
                    merchant_id=shop.merchant.merchant_id, terminal_id=shop.terminal.terminal_id,
                    clerk_id=shop.clerk.clerk_id,
                )
            )  # fmt: skip
    return number


def period_to(until: date, zone: str = ZONE) -> Period:
    """A period of all days up to this one, for what is about one statement and not about cycles."""
    to_at = clock.start_of(until + timedelta(days=1), zone)
    return Period(LONG_AGO, until, clock.start_of(LONG_AGO, zone), to_at)


def closed(shop: Shop, until: date, at: datetime | None = None) -> Statement | None:
    """The shop's statement of everything up to a day, sealed at a moment (five minutes after it); None: there was nothing."""
    period = period_to(until, shop.merchant.zone)
    with database.begin() as session:
        merchant = merchants.by_id(session, shop.merchant.merchant_id)
        return closing.close(session, merchant, period, at or period.to_at + timedelta(minutes=5))


@cache
def _pin_hash() -> str:
    return passwords.hashed("123456")


def given_offer(
    programme: Programme, kind: str, *, value_fen: int = 1000, stock: int | None = None, **more: Any
) -> Offer:
    """A live offer: bill_credit, voucher, gift or trial_card (these need merchant_id), perk, event (ten places, in a week),
    goods, service, or bundle (needs form).
    """
    number = next(_numbers)
    names = {"zh-CN": f"权益 {number}", "en": f"Offer {number}"}
    values: dict[str, Any] = {
        "kind": kind,
        "value_fen": value_fen,
        "cost_fen": value_fen,
        "from_at": datetime(2020, 1, 1, tzinfo=UTC),
        "cancellable": kind not in ("bill_credit", "goods", "service", "bundle", "gift"),
        "category": "test",
        "names": names,
        "texts": names,
        "state": "live",
        "most_units": 1 if kind in ("perk", "event", "trial_card") else 10,
    }
    values["form"] = FORMS.get(kind, {})
    if kind in ("voucher", "gift", "trial_card"):
        values["voucher_days"] = 30
    if kind == "trial_card":
        values["approval_class"] = "extension"
    if kind == "event":
        values |= {"event_at": clock.now() + timedelta(days=7), "form": {"capacity": 10}}
    with database.begin() as session:
        return offers.add(session, programme.programme_id, f"offer-{number}", stock=stock, **(values | more))


def given_trial_card(member_id: int, offer: Offer, maker: Staff | None = None) -> Proposal:
    """A trial card that was handed out: proposed by one person, approved by another; the proposal."""
    maker, checker, at = maker or given_person("support"), given_person("checker"), clock.now()
    with database.begin() as session:
        wanted = trial_cards.Wanted(offer.code, "opened a branch", "a contract for lines")
        proposal = trial_cards.propose(session, maker, member_id, wanted, at).proposal
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), at)
    return proposal


def gift_code(config: Config, member_id: int) -> str:
    """The code of the latest gift that the member asked a quote for."""
    with database.begin() as session:
        rows = notices.of_member(session, member_id, before=None, limit=50)
        sent = notices.opened(session, rows, config.seal_key)
        latest = next(one.text for one in sent if one.template == "voucher-gift-code")
    return re.findall(r"\b\d{6}\b", latest)[0]


def give_voucher(
    config: Config, giver: "Caller", member_id: int, offer: Offer, to: str, units: int = 1, **more: Any
) -> TestResponse:
    """A voucher redeemed for the holder of a number, confirmed with the code that the giver was sent."""
    quote = giver.quote(offer, units, to=to, **more).json["id"]
    return giver.post("/v1/redemptions", {"quote": quote, "code": gift_code(config, member_id)})


def reverse_by_two(app: Flask, redemption: Any) -> TestResponse:
    """What was given is undone: asked for by one person over HTTP, approved by another; the last answer."""
    maker, checker = (caller(app, staff_token(role)) for role in ("support", "checker"))
    case = maker.post(
        "/v1/reversals", {"redemption": redemption["id"], "text": "it went wrong", "ticket": "T-1"}
    )
    if case.status_code != 201:
        return case
    seen = {"content_hash": case.json["content_hash"]}
    return checker.post(f"/v1/reversals/{case.json['id']}/approve", seen)


FORMS: dict[str, dict[str, Any]] = {
    "goods": {"class": "gift", "sku": "mug-blue", "provider": "warehouse", "weight": 300, "return_days": 7},
    "service": {"service": "data-10g", "months": 3, "monthly_fen": 1000, "provider": "operator"},
}
ELECTRONIC = {"class": "electronic", "sku": "film-code", "provider": "warehouse", "return_days": 0}
ADDRESS = {
    "name": "Li Hua",
    "phone": "13900001234",
    "region": "浙江省杭州市滨江区",
    "street": "江南大道 1 号",
    "postcode": "310051",
}


def given_bundle(programme: Programme, *parts: Offer, units: int = 1, **more: Any) -> Offer:
    """A bundle of these offers, so many of each."""
    form = {"parts": [{"offer": part.code, "units": units} for part in parts]}
    return given_offer(programme, "bundle", form=form, **more)


def member_token(member_id: int) -> str:
    with database.begin() as session:
        return sign_ins.begin(session, "member", member_id, clock.now())


def clerk_token(shop: Shop, clerk: ClerkRow | None = None) -> str:
    """The clerk's sign-in at the shop's till, in a shift; who calls with it signs as that till."""
    clerk = clerk or shop.clerk
    with database.begin() as session:
        shifts.begin(session, shop.terminal, clerk, clock.now())
        token = sign_ins.begin(
            session, "clerk", clerk.clerk_id, clock.now(), place_id=shop.terminal.terminal_id
        )
    _signers[token] = shop.signer
    return token


def given_person(*roles: str, email: str | None = None, area: str = "") -> Staff:
    """A person of the staff, as the rules meet them; the password is "a long password"."""
    number = next(_numbers)
    row = StaffRow(
        staff_id=ids.new_id(),
        ended_at=None,
        email=email or f"person{number}@example.test",
        name=f"Person {number}",
        password_hash=_password_hash(),
        roles=sorted(roles),
        area=area,
    )
    with database.begin() as session:
        session.add(row)
    return Staff(row.staff_id, frozenset(roles), area)


@cache
def _password_hash() -> str:
    return passwords.hashed("a long password")


def given_adjustment(
    member_id: int, points: int, *, direction: str = "up", last_day: date | None = None
) -> None:
    """Points added or taken by hand: proposed by one person, approved by another."""
    maker, checker, at = given_person("support"), given_person("checker"), clock.now()
    wanted = adjustments.Wanted(direction, points, "goodwill", "for a test", "T-1", last_day=last_day)
    with database.begin() as session:
        case = adjustments.propose(session, maker, member_id, wanted, at)
        approvals.approve(session, checker, case.proposal.proposal_id, case.proposal.content_hash.hex(), at)


def given_extension(
    programme: Programme,
    first: date,
    last: date,
    to: date,
    *,
    when: datetime | None = None,
    lot_class: int = policies.BILL_POINTS,
) -> ExtensionRow:
    """Points that last longer: proposed by one person and approved by another at a moment; both days NO_END: a first end."""
    maker, checker = given_person("editor"), given_person("checker")
    days = (None, None) if first == last == lots.NO_END else (first, last)
    wanted = announcements.Wanted(programme.code, lot_class, *days, to, "a good year")
    with clock.stopped(when or clock.now()), database.begin() as session:
        case = announcements.propose(session, maker, wanted, clock.now())
        proposal = case.proposal
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), clock.now())
        row = announcements.announced(session, proposal)
    assert row is not None
    return row


def given_entitlement(wanted: entitlement_rules.Wanted) -> None:
    """What tiers may use of a perk: proposed by one person, approved by another, on the rule's first day at the latest."""
    maker, checker = given_person("editor"), given_person("checker")
    at = min(clock.now(), clock.start_of(wanted.from_day, ZONE))
    with clock.stopped(at), database.begin() as session:
        proposal = entitlement_rules.propose(session, maker, wanted, at).proposal
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), at)


def given_tier(member_id: int, tier: str, since: date = LONG_AGO) -> int:
    """The same member, of that tier from a day on."""
    with database.begin() as session:
        attributes.add_many(session, {(member_id, attributes.TIER, since): tier})
    return member_id


def given_area(member_id: int, area: str) -> int:
    """The same member, who belongs to an area."""
    with database.begin() as session:
        attributes.add_many(session, {(member_id, attributes.AREA, LONG_AGO): area})
    return member_id


def given_merged(member_id: int, into_id: int) -> None:
    """A member that was merged into another one; what it had is under way."""
    maker, checker, at = given_person("support"), given_person("checker"), clock.now()
    with database.begin() as session:
        case = merges.propose(session, maker, member_id, into_id, "for a test", "T-1", at)
        approvals.approve(session, checker, case.proposal.proposal_id, case.proposal.content_hash.hex(), at)


def given_bonus_rule(
    programme: Programme,
    code: str = "survey",
    occasion: str = "survey",
    *,
    when: datetime | None = None,
    **more: Any,
) -> BonusRule:
    """A bonus rule of 10 promotion points (they live 12 months) since 30 days ago, proposed and approved by two persons."""
    maker, checker = given_person("editor"), given_person("checker")
    with clock.stopped(when or clock.now()), database.begin() as session:
        at = clock.now()
        with suppress(policies.SameDayVersion):
            policies.add_expiry_policy(
                session, programme.programme_id, policies.PROMOTION_POINTS, LONG_AGO, months=12
            )
        wanted: dict[str, Any] = {
            "programme": programme.code,
            "code": code,
            "name_zh": f"{code} 奖励",
            "name_en": f"{code} bonus",
            "occasion": occasion,
            "points": 10,
            "from_day": clock.day(at, ZONE) - timedelta(days=30),
        }
        case = bonus_rules.propose(session, maker, bonus_rules.Wanted(**(wanted | more)), at)
        proposal = case.proposal
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), at)
        rule = bonus_rules.made(session, proposal)
    assert rule is not None
    return rule


CARD = (
    Step("silver", 3_000, {"zh-CN": "银卡", "en": "silver"}),
    Step("gold", 12_000, {"zh-CN": "金卡", "en": "gold"}),
    Step("diamond", 50_000, {"zh-CN": "钻石卡", "en": "diamond"}),
)


def given_ladder(
    programme: Programme, ladder: str = "card", steps: Sequence[Step] = CARD, **more: Any
) -> None:
    """A ladder that was set up with the programme: rolling 12 months, a tier holds 12, then a month of grace."""
    values: dict[str, Any] = {"window_months": 12, "hold_months": 12, "grace_months": 1, "most_down": 1}
    with database.begin() as session:
        ladders.add(
            session, programme.programme_id, ladder, LONG_AGO, steps, **(values | more),
            lot_classes=[policies.BILL_POINTS], reason="for a test", approval=None, at=clock.now(),
        )  # fmt: skip


def given_earned(member_id: int, points: int, on: date, *, lot_class: int = policies.BILL_POINTS) -> int:
    """Points earned on a day; the number of the posting."""
    key = lots.key(on + timedelta(days=730), lot_class)
    at = clock.start_of(on, ZONE) + timedelta(hours=12)
    request = Request(
        member_id, ledger.key("test", str(uuid.uuid4())), Kind.EARN, points, at, ZONE, lot_key=key
    )
    with database.begin() as session:
        return ledger.post(session, request).seq


def given_evaluated(programme: Programme, on: date, *, tells: Config | None = None) -> int:
    """The tiers of all members evaluated on a day; how many changed."""
    with clock.stopped(clock.start_of(on, ZONE) + timedelta(hours=20)):
        with database.begin() as session:
            running.begin(session, programme, on, clock.now())
        changes, done = 0, False
        while not done:
            with database.begin() as session:
                step = running.step(session, programme, on, tells=tells)
            changes, done = changes + step.changes, step.done
    return changes


def given_tier_grant(
    member_id: int, tier: str, until: date, *, on: date | None = None, from_day: date | None = None
) -> Proposal:
    """A tier given by hand: proposed by one person, approved by another; the proposal."""
    maker, checker = given_person("support"), given_person("checker")
    at = clock.start_of(on, ZONE) + timedelta(hours=9) if on else clock.now()
    with clock.stopped(at), database.begin() as session:
        wanted = grants.Wanted(tier, until, "an old promise", from_day)
        proposal = grants.propose(session, maker, member_id, wanted, clock.now()).proposal
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), clock.now())
    return proposal


def staff_token(*roles: str, area: str = "") -> str:
    """The sign-in of a person with these roles, the same person each time; also of roles that nobody is given together."""
    email = f"{'-'.join(roles)}{area}@example.test"
    with database.begin() as session:
        row = session.scalar(select(StaffRow).where(StaffRow.email == email))
    staff_id = row.staff_id if row else given_person(*roles, email=email, area=area).staff_id
    with database.begin() as session:
        return entries.begin(session, staff_id, entries.HERE, PASSWORD, clock.now())


def service_key(programme: Programme, *scopes: str) -> str:
    with database.begin() as session:
        return api_keys.issue(session, "test", programme.programme_id, list(scopes), clock.now())


@dataclass(frozen=True)
class Caller:
    """Somebody who calls the API: sends the token, and a fresh Idempotency-Key unless one is given."""

    client: FlaskClient
    token: str | None = None
    signer: Signer | None = None

    def get(self, path: str, *, key: str | None = None, **query: Any) -> TestResponse:
        target = f"{path}?{urlencode(query)}" if query else path
        return self.client.get(target, headers=self._headers("GET", target, b"", key))

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> TestResponse:
        sent = body_of(body)
        headers = self._headers("POST", path, sent, key or str(uuid.uuid4()))
        return self.client.post(
            path, data=sent, content_type=None if body is None else "application/json", headers=headers
        )

    def _headers(self, method: str, target: str, body: bytes, key: str | None) -> dict[str, str]:
        headers = {"Accept-Language": "en"}
        if self.signer:
            headers |= self.signer.headers(method, target, body)
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if key:
            headers["Idempotency-Key"] = key
        return headers

    # The words of a test

    def quote(self, offer: Offer, units: int = 1, **more: Any) -> TestResponse:
        return self.post("/v1/quotes", {"offer": ids.public("off", offer.offer_id), "units": units} | more)

    def redeem(
        self,
        offer: Offer,
        units: int = 1,
        *,
        key: str | None = None,
        address: dict[str, str] | None = None,
        **more: Any,
    ) -> TestResponse:
        """Quote and confirm; goods that are sent go to ADDRESS."""
        if offer.kind == "goods" and address is None and offer.form["class"] != "electronic":
            address = ADDRESS
        told = {"quote": self.quote(offer, units, **more).json["id"]}
        return self.post("/v1/redemptions", told | ({"address": address} if address else {}), key=key)

    def voucher_code(self, redemption: Any) -> str:
        return str(self.get(f"/v1/vouchers/{redemption['voucher']}").json["code"])

    def check(self, code: str) -> TestResponse:
        return self.post("/v1/vouchers/check", {"code": code})

    def accept(self, code: str, *, key: str | None = None) -> TestResponse:
        return self.post(
            "/v1/vouchers/accept", {"check_token": self.check(code).json["check_token"]}, key=key
        )

    def spendable(self) -> int:
        return int(self.get("/v1/members/me/wallet").json["spendable"])


def given_colleague(
    shop: Shop, role: str, number: str, *, outlet: Outlet | None = None, secret: str = "246813"
) -> ClerkRow:
    """A person of the shop's merchant in a role, at its outlet or another; finance and owners at all."""
    wide = role in ("finance", "owner")
    outlet_id = None if wide else (outlet or shop.outlet).outlet_id
    with database.begin() as session:
        return clerks.add_person(
            session, shop.merchant.merchant_id, outlet_id, number, passwords.hashed(secret), role
        )


def merchant_token(person: ClerkRow) -> str:
    """The sign-in of a merchant's person on its pages."""
    with database.begin() as session:
        return sign_ins.begin(session, "merchant", person.clerk_id, clock.now())


def given_outlet(shop: Shop, area: str = "330106") -> Outlet:
    """An outlet more of the shop's merchant."""
    names = {"zh-CN": "西湖店", "en": "West Lake"}
    with database.begin() as session:
        merchant = merchants.by_id(session, shop.merchant.merchant_id)
        return merchants.add_outlet(session, merchant, names, names, area=area)


def caller(app: Flask, token: str | None = None, signer: Signer | None = None) -> Caller:
    """Whoever holds the token; a clerk's calls are signed by the till at which the sign-in is, or by `signer` (a cash desk)."""
    return Caller(app.test_client(), token, signer or _signers.get(token or ""))


EARNS = {"issuing_fen": 800, "issuing_rule": "postpaid", "points_per_100_yuan": 100}


def given_promotion_policy(programme: Programme) -> None:
    """Points of promotions live a year."""
    with suppress(policies.SameDayVersion), database.begin() as session:
        policies.add_expiry_policy(
            session, programme.programme_id, policies.PROMOTION_POINTS, LONG_AGO, months=12
        )


def given_pack(
    shop: Shop,
    points: int = 1_000,
    *,
    from_day: date | None = None,
    until_day: date | None = None,
    price_fen: int | None = None,
) -> Pack:
    """A pack that the shop bought, at 6 fen a point unless said, by two persons, on its first day at the latest."""
    maker, checker = given_person("editor"), given_person("checker")
    first = from_day or clock.day(clock.now(), ZONE)
    at = min(clock.now(), clock.start_of(first, ZONE))
    wanted = pack_proposals.Wanted(points, price_fen or 6 * points, first, until_day, "INV-1")
    with clock.stopped(at), database.begin() as session:
        case = pack_proposals.propose(session, maker, shop.merchant, wanted, "for a test", at)
        proposal = case.proposal
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), at)
        reference = approvals.reference(proposal.proposal_id)
        return session.scalars(select(Pack).where(Pack.approval == reference)).one()


def given_purchase(
    shop: Shop,
    programme: Programme,
    member_id: int,
    amount_fen: int,
    at: datetime,
    *,
    undone_at: datetime | None = None,
) -> Earning:
    """Points that a member earned at the shop's till, by its own rules; maybe taken back."""
    place = Place(
        shop.merchant.merchant_id, shop.outlet.outlet_id, shop.terminal.terminal_id, shop.clerk.clerk_id
    )
    with database.begin() as session:
        earning = earnings.give(
            session, members.by_id(session, member_id), programme, place, amount_fen, at
        ).earning
        if undone_at is not None:
            earnings.reverse(session, earning, programme, place, "for a test", undone_at)
    return earning
