"""The demo operator's data, with the billing sandbox that credits its bills, and the demo's sign-ins."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from admin.analytics import demo_operator, demo_people
from admin.staff import second_factor, staff
from admin.staff.models import StaffRow
from app import (
    demo_allowances,
    demo_care,
    demo_lives,
    demo_points,
    demo_ratings,
    demo_settlement,
    demo_tickets,
)
from app.commands.segments import refreshed
from app.demo_staff import (
    ADMINISTRATOR,
    AUDITOR,
    CHECKER,
    GUARD,
    STAFF,
    STAFF_ROLES,
    SUPPORT,
    TWO_STEPS,
    staff_password,
    staff_secret,
)
from app.sandbox import billing as sandbox
from base import clock, database
from base.auth import passwords
from base.auth.principals import Staff
from base.config import Config
from base.errors import NotAllowed
from base.progress import bar
from catalog.bill_credit import billing
from merchants import merchants
from merchants.models import Outlet
from merchants.terminals import clerks
from merchants.terminals.models import OWNER, POS
from merchants.tills import tills
from points.care import care
from points.members import members
from points.members.models import MemberFacts
from points.members.sign_in import secrets_of

SIZES = demo_operator.SIZES
SHOP = "tea-hangzhou"
TERMINAL = f"{SHOP}-1"
DESK = f"{SHOP}-desk"  # a cash-desk system, to be paired by whoever tries it
SHOP_OWNER = "00"
MOST_RATINGS = 2_000


class NotInProduction(NotAllowed):
    """Demo data is not made in production."""

    zh = "生产环境不生成演示数据。"


def make(config: Config, size: str, *, quiet: bool, billing_state: Path | None = None) -> bool:
    """Make the demo data unless it is there; False when it was there. Half-made data is refused with what to do."""
    if config.in_production:
        raise NotInProduction()
    with database.begin() as session:
        if demo_operator.is_there(session):
            return False
    plan = SIZES[size]
    support, checker = _two_persons(config)
    claims = partial(demo_settlement.claims, config, SHOP, support, checker)
    with _sandbox(billing_state) as url, bar(plan.months, "demo: months", quiet=quiet) as shown:
        demo_operator.make(
            config.at(ordering_url=url),
            plan,
            lambda credit: billing.top_up(url, credit),
            shown,
            after_month=claims,
        )
    at = clock.now()
    today = clock.day(at, demo_operator.ZONE)
    with database.begin() as session:
        demo_people.tell(session, today, at)
        demo_people.interests(session, config, at)
    with database.begin() as session:
        clerks.add_terminal(session, _outlet(session), DESK, kind=POS)
        staff.add(session, AUDITOR, "Demo auditor", staff_password(config, AUDITOR), ["auditor"])
        maker = staff.add(session, STAFF, "Demo", staff_password(config), STAFF_ROLES)
        _name_managers(session, maker.staff_id)
        _own(session, config)
        demo_allowances.make(session, staff.principal(maker), checker)
        demo_lives.make(session, config, staff.principal(maker), checker, today, at)
        demo_points.make(session, SHOP, staff.principal(maker), checker, at)
        demo_people.make_segments(session, staff.principal(maker), at, today)
        finance = staff.principal(maker)
        _staff_for_access(session, config)
        _second_factors(session, config, at)
    demo_ratings.make(config, at, MOST_RATINGS)
    with database.begin() as session:
        looked_at = _shown_member(session)
        demo_tickets.make(session, config, looked_at.member_id if looked_at else None, support, at)
        demo_care.make(session, config, support, checker, at)
    demo_settlement.pay(config, SHOP, finance, checker)
    for _ in refreshed(today, quiet=True):
        pass
    return True


def _two_persons(config: Config) -> tuple[Staff, Staff]:
    """Who decides disputes and proposes, and who approves."""
    with database.begin() as session:
        support = staff.add(session, SUPPORT, "Demo support", staff_password(config, SUPPORT), ["support"])
        checker = staff.add(session, CHECKER, "Demo checker", staff_password(config, CHECKER), ["checker"])
        return staff.principal(support), staff.principal(checker)


def _staff_for_access(session: Session, config: Config) -> None:
    """Who proposes somebody's access, and who approves it."""
    for email, name, role in (
        (ADMINISTRATOR, "Demo administrator", "system-administrator"),
        (GUARD, "Demo security", "security"),
    ):
        staff.add(session, email, name, staff_password(config, email), [role])


def _second_factors(session: Session, config: Config, at: datetime) -> None:
    """Whose roles ask for a second step has an authenticator that this installation knows."""
    for email in TWO_STEPS:
        row = session.scalars(select(StaffRow).where(StaffRow.email == email)).one()
        second_factor.enrol(session, config, row, staff_secret(config, email), at)


def _name_managers(session: Session, staff_id: int) -> None:
    """Every other member with a diamond card has a person to turn to; the rest is on the list of those without one."""
    asked = select(MemberFacts.member_id).where(MemberFacts.tiers.contains(["diamond"]))
    found = [members.by_id(session, one) for one in session.scalars(asked.order_by(MemberFacts.member_id))]
    for member in [one for one in found if one.left_on is None][::2]:
        care.assign(session, member, staff_id, "diamond card", "demo", clock.now())


def _outlet(session: Session) -> Outlet:
    return merchants.outlets_of(session, merchants.by_code(session, SHOP).merchant_id)[0]


def _own(session: Session, config: Config) -> None:
    """One shop has an owner, who signs in on the merchant's pages."""
    merchant = merchants.by_code(session, SHOP)
    password = passwords.hashed(staff_password(config, SHOP))
    clerks.add_person(session, merchant.merchant_id, None, SHOP_OWNER, password, OWNER)


def is_whole() -> bool:
    """Whether the demo data was made to its end: its staff member comes last."""
    with database.begin() as session:
        return bool(session.scalar(text("select count(*) from staff where email = :email"), {"email": STAFF}))


def sign_ins(config: Config, address: str) -> list[str]:
    """Lines that tell how to sign in as member, clerk, merchant's owner and staff member; the pairing code is a fresh one."""
    with database.begin() as session:
        row = _shown_member(session)
        phone = members.phone_of(session, secrets_of(config), row.member_id) if row else None
        terminal = tills.by_code(session, TERMINAL)
        code = tills.pairing_code(session, config.secret_key, terminal, "operator", clock.now()).code
    lines = [
        f"  till     {address}/till/pair       terminal {TERMINAL}, pairing code {code} (ten minutes, once; another: jifen terminals pair {TERMINAL})",
        f"  clerk    {address}/till/sign-in    at that till: clerk 01, PIN {demo_operator.PIN}",
        f"  owner    {address}/merchant/sign-in merchant {SHOP}, number {SHOP_OWNER}, password {staff_password(config, SHOP)}",
        f"  staff    {address}/staff/sign-in   {STAFF}, password {staff_password(config)}; then a code, from {address}/dev/codes",
        f"  checker  {address}/staff/sign-in   {CHECKER}, password {staff_password(config, CHECKER)}; then a code",
        f"  admin    {address}/staff/sign-in   {ADMINISTRATOR}, password {staff_password(config, ADMINISTRATOR)}; then a code",
        f"  security {address}/staff/sign-in   {GUARD}, password {staff_password(config, GUARD)}; then a code",
        f"  auditor  {address}/staff/sign-in   {AUDITOR}, password {staff_password(config, AUDITOR)}",
    ]
    if row:
        lines.insert(
            0,
            f"  member   {address}/sign-in         programme {row.code}, phone {phone}; the code is at {address}/dev/outbox",
        )
    return lines


def _shown_member(session: Session) -> Row[tuple[int, str]] | None:
    """The member as whom one looks at the demo: with points, a voucher to use where somebody has one, the highest tier."""
    return session.execute(
        text(
            "select m.member_id, p.code from member m join programme p using (programme_id) join wallet w "
            "using (member_id) join member_facts f using (member_id) where m.left_on is null and p.code = 'gotone' and w.state = 2 and w.balance between 3000 and 20000 "
            "order by exists(select 1 from voucher v where v.member_id = m.member_id and v.state = 'issued') desc, "
            "cardinality(f.tiers) desc, m.member_id limit 1"
        )
    ).one_or_none()


@contextmanager
def _sandbox(state: Path | None) -> Iterator[str]:
    """The billing sandbox for the time of the making, on a free port of loopback."""
    server = sandbox.server(sandbox.create_sandbox(state), 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
