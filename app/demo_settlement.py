"""A month of the demo as it is settled: a dispute and a clawback in it, paid through Stripe (its twin) and a bank's file.

Most merchants are paid by a bank's file; the one with an owner, and two more, through Stripe where there is one.
"""

import csv
import io
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from admin.analytics.demo_operator import ZONE
from app import stripe_twin
from base import calls, clock, database
from base.approvals import approvals
from base.approvals.models import Proposal
from base.auth.principals import Member, Staff
from base.config import Config
from catalog.disputes import disputing
from catalog.reversals import reversals
from catalog.vouchers import life
from merchants import merchants
from merchants.disputes.models import Dispute
from merchants.invoices import invoices
from merchants.invoices.invoices import Wanted as Invoice
from merchants.invoices.models import MERCHANT as OF_MERCHANT
from merchants.models import CLAWBACK, Acceptance, Merchant, MerchantItem
from merchants.onboarding import documents
from merchants.onboarding.documents import Paper
from merchants.payout_routes import accounts, routes
from merchants.payout_routes.models import BANK, STRIPE
from merchants.payout_routes.routes import Contact, Details
from merchants.payouts import bank_files, bank_returns, rounds, runs, stripe
from merchants.payouts.runs import Wanted
from merchants.scope import Reach
from merchants.statements.models import Statement
from merchants.terminals.models import OWNER, ClerkRow
from points.members.models import Member as MemberRow

ACTOR = "demo"
SOME_DAYS = timedelta(days=55)
PAID_BY_STRIPE = 3
PRESS = {"Content-Type": "application/x-www-form-urlencoded"}


def claims(config: Config, shop: str, support: Staff, checker: Staff, left: int, ended: datetime) -> None:
    """In the latest month that will have been sealed: one use disputed and found to stand, another one's redemption undone."""
    sealed_by_now = 1 if clock.day(clock.now(), ZONE).day >= 10 else 2
    if left != sealed_by_now:
        return
    at = ended + timedelta(hours=9)
    with clock.stopped(at):
        with database.begin() as session:
            found = _uses(session, shop, at - SOME_DAYS, at, 2)
        if len(found) == 2:
            _disputed(config, support, found[0], at)
            _clawed_back(support, checker, found[1], at)


def pay(config: Config, shop: str, finance: Staff, checker: Staff) -> None:
    """Everything that is due: months ago by the bank, confirmed; the latest month under way, through Stripe where there is one."""
    at = clock.now()
    with database.begin() as session:
        every = list(session.scalars(select(Merchant).order_by(Merchant.code != shop, Merchant.code)))
    by_stripe = every[:PAID_BY_STRIPE] if stripe.is_on(config) else []
    for merchant in by_stripe:
        _account(config, merchant)
    with database.begin() as session:
        for number, merchant in enumerate(every[len(by_stripe) :]):
            _bank(session, config, merchant, number, at)
    with database.begin() as session:
        _papers(session, config, merchants.by_code(session, shop))
    rounds.look_at_holds(config)
    last_month = at - timedelta(days=at.day)
    _confirmed(config, _run(config, finance, checker, BANK, last_month.replace(day=15)))
    _run(config, finance, checker, BANK, at)
    if by_stripe:
        _run(config, finance, checker, STRIPE, at)
        while rounds.walk(config):
            pass
        stripe_twin.days_pass(config, 8)
        rounds.poll(config)
    with database.begin() as session:
        _filed(session, shop, at)


def _uses(session: Session, shop: str, since: datetime, until: datetime, count: int) -> list[Acceptance]:
    """Uses that stand and nobody has disputed or taken back, of members who are still there; at the shop first."""
    disputed = exists().where(
        Dispute.member_id == Acceptance.member_id, Dispute.acceptance_id == Acceptance.acceptance_id
    )
    taken_back = exists().where(
        MerchantItem.merchant_id == Acceptance.merchant_id,
        MerchantItem.kind == CLAWBACK,
        MerchantItem.member_id == Acceptance.member_id,
        MerchantItem.about_id == Acceptance.acceptance_id,
    )
    asked = (
        select(Acceptance)
        .join(Merchant, Merchant.merchant_id == Acceptance.merchant_id)
        .join(MemberRow, MemberRow.member_id == Acceptance.member_id)
        .where(
            Acceptance.void_id.is_(None),
            ~disputed,
            ~taken_back,
            Acceptance.recorded_at.between(since, until),
            MemberRow.left_on.is_(None),
        )
        .order_by(Merchant.code != shop, Acceptance.recorded_at.desc())
        .limit(count)
    )
    return list(session.scalars(asked))


def _disputed(config: Config, support: Staff, use: Acceptance, at: datetime) -> None:
    with database.begin() as session:
        made = disputing.not_me(
            session, config, _member(session, use), (use.member_id, use.acceptance_id), at
        )
        key = (made.member_id, made.dispute_id)
        disputing.take(session, support, key, at)
    with database.begin() as session:
        later = at + timedelta(hours=2)
        disputing.decide(
            session, config, support, key, "merchant", "the picture of that day was shown at the till", later
        )


def _member(session: Session, use: Acceptance) -> Member:
    return Member(use.member_id, session.get_one(MemberRow, use.member_id).programme_id)


def _clawed_back(support: Staff, checker: Staff, use: Acceptance, at: datetime) -> None:
    with database.begin() as session:
        voucher, _ = life.of_member(session, use.member_id, use.voucher_id)
        proposal = reversals.propose(
            session, support, voucher.member_id, voucher.redemption_id, "the room was closed that evening", "demo-1",
            at, claw_back=True,
        ).proposal  # fmt: skip
        _approve(session, checker, proposal, at)


def _account(config: Config, merchant: Merchant) -> None:
    """An account at Stripe, with its onboarding done as the merchant would do it on Stripe's page."""
    with database.begin() as session:
        accounts.ask(session, merchant, "HK", ACTOR, clock.now())
    accounts.step(config, merchant.merchant_id)
    with database.begin() as session:
        account = accounts.of_merchant(session, merchant.merchant_id).account
    page = accounts.link(config, account, "http://127.0.0.1/merchant")
    base, _, target = page.partition("/twin/")
    calls.call("POST", base, f"/twin/{target}", b"", PRESS, config.stripe_timeout_s)
    accounts.step(config, merchant.merchant_id)


def _bank(session: Session, config: Config, merchant: Merchant, number: int, at: datetime) -> None:
    """An invented account at an invented bank, on file for long."""
    since = at - timedelta(days=800)
    details = Details(
        BANK, holder=merchant.names["zh-CN"], bank="演示银行", number=f"622200{number + 1:013d}"
    )
    routes.add(
        session, config.seal_key, merchant.merchant_id, details, Contact(), ACTOR, since, holds_until=since
    )


def _run(config: Config, finance: Staff, checker: Staff, route: str, until: datetime) -> Proposal | None:
    """A run of what is due by the day, proposed by one person and approved by another; None: nothing is."""
    at = clock.now()
    wanted = Wanted(route, clock.day(until, ZONE))
    try:
        with database.begin() as session:
            proposal = runs.propose(session, finance, config.seal_key, wanted, "monthly", at).proposal
            _approve(session, checker, proposal, at)
    except runs.NothingToPay:
        return None
    return proposal


def _confirmed(config: Config, proposal: Proposal | None) -> None:
    """The bank's answer: everything was paid, but one line, which came back."""
    if proposal is None:
        return
    with database.begin() as session:
        run = runs.find(session, proposal.said["run"])
        rows = bank_files.rows_of(session, run.run_id)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(bank_files.template(bank_files.PLAIN).back)
    for row in rows:
        came_back = row.line_no == len(rows) and len(rows) > 1
        state, reason = ("returned", "account closed") if came_back else ("paid", "")
        writer.writerow([bank_files.reference(row.run_id, row.line_no), row.amount_fen, state, reason])
    with tempfile.TemporaryDirectory() as folder, database.begin() as session:
        path = Path(folder) / "answer.csv"
        path.write_text(text.getvalue(), encoding="utf-8")
        bank_returns.take(session, path, bank_files.PLAIN, ACTOR, clock.now())


def _papers(session: Session, config: Config, merchant: Merchant) -> None:
    """The shop's tax invoices: handed in for all but the latest statement."""
    at = clock.now()
    paper = Paper(
        licence_number="DEMO-1", legal_name=merchant.names["en"], tax_number="DEMO-TAX-1", invoice_regime="prepaid_ordinary"
    )  # fmt: skip
    documents.hand_in(session, config.seal_key, merchant, paper, ACTOR, at)
    asked = select(Statement).where(Statement.merchant_id == merchant.merchant_id)
    statements = list(session.scalars(asked.order_by(Statement.statement_no)))
    for statement in statements[:-1]:
        _handed_in(session, statement, paper)


def _handed_in(session: Session, statement: Statement, paper: Paper) -> None:
    at = statement.sealed_at + timedelta(days=5)
    for due in invoices.due(session, statement, at):
        if due.issuer != OF_MERCHANT:
            continue
        tax_fen = due.total_fen * 600 // 10_600
        wanted = Invoice(
            kind=due.kind, number=f"DEMO{statement.statement_no:08d}", issued_on=clock.day(at, ZONE),
            seller_name=paper.legal_name, seller_tax_number=paper.tax_number, buyer_name="Demo operator",
            buyer_tax_number="DEMO-TAX-0", amount_fen=due.total_fen - tax_fen, tax_bp=600, tax_fen=tax_fen,
            total_fen=due.total_fen,
        )  # fmt: skip
        invoices.hand_in(session, statement, OF_MERCHANT, wanted, ACTOR, at)


def _filed(session: Session, shop: str, at: datetime) -> None:
    """The shop's owner disputes a use of these days; nobody has looked into it yet."""
    merchant = merchants.by_code(session, shop)
    owner = session.scalar(
        select(ClerkRow).where(ClerkRow.merchant_id == merchant.merchant_id, ClerkRow.role == OWNER)
    )
    for use in _uses(session, shop, at - SOME_DAYS, at, 1):
        if owner is not None and use.merchant_id == merchant.merchant_id:
            mine = Reach(merchant.merchant_id, None, owner.clerk_id, OWNER, f"clerk:{owner.clerk_id}")
            key = (use.member_id, use.acceptance_id)
            disputing.open_for(session, mine, key, "accepted twice by mistake", at)


def _approve(session: Session, checker: Staff, proposal: Proposal, at: datetime) -> None:
    approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), at)
