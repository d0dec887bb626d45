"""The demo operator as somebody opens it: for each face a person to whom everything has happened, and addresses worth seeing."""

from datetime import timedelta
from types import SimpleNamespace

from sqlalchemy import select, text

from admin.console.approvals.pages import KINDS, url_of
from app import demo
from base import clock, database, ids
from base.approvals.models import Proposal
from base.auth import passwords
from base.auth.roles import ROLES
from merchants.earnings.models import Earning
from merchants.models import Merchant, Outlet
from merchants.terminals import clerks
from merchants.terminals.models import MANAGER, ClerkRow
from merchants.tills import tills
from points import programmes
from tests.given import (
    caller,
    given_adjustment,
    given_group,
    given_offer,
    given_trial_card,
    member_token,
    merchant_token,
    staff_token,
)
from tests.journeys.tills import accept, check, pair, sign_in
from tests.journeys.walk import MEMBER

TEA = {"zh-CN": "龙井茶一壶", "en": "A pot of Longjing tea"}
SAID = {
    "zh-CN": "现泡西湖龙井一壶，可供两人饮用，可续水。",
    "en": "West Lake Longjing, made at the table for two; hot water as often as you like.",
}


class World:
    """The demo operator, and somebody for each face to whom everything has happened."""

    def __init__(self, app, db):
        self.app, self.db = app, db
        demo.make(db, "tiny", quiet=True)
        with database.begin() as session:
            self.programme = programmes.by_code(session, "gotone")
            self.merchant = session.scalars(select(Merchant).where(Merchant.code == demo.SHOP)).one()
            self.owner = session.scalars(
                select(ClerkRow).where(
                    ClerkRow.merchant_id == self.merchant.merchant_id, ClerkRow.number == demo.SHOP_OWNER
                )
            ).one()
            self.terminal = tills.by_code(session, demo.TERMINAL)
            outlet = session.get_one(Outlet, self.terminal.outlet_id)
            clerks.add_clerk(session, outlet, "09", passwords.hashed("123456"), role=MANAGER)
        self.member_id = self._member()
        given_adjustment(self.member_id, 30_000)  # not earned: no tier comes of it
        self.offer = given_offer(
            self.programme,
            "voucher",
            value_fen=3_000,
            merchant_id=self.merchant.merchant_id,
            names=TEA,
            texts=SAID,
        )
        self.me = caller(app, member_token(self.member_id))
        self.uses = []  # of the member's vouchers, once the till was walked
        self.vouchers = [self.voucher() for _ in range(2)]

    def _member(self):
        """An active member of the first programme, with a tier where one has any."""
        with database.begin() as session:
            return session.scalar(
                text(
                    "select m.member_id from member m join programme p using (programme_id) join wallet w "
                    "using (member_id) join member_facts f using (member_id) where m.left_on is null "
                    "and p.code = 'gotone' and w.state = 2 order by cardinality(f.tiers) desc, m.member_id limit 1"
                )
            )

    def voucher(self):
        """A fresh voucher of the member's, by its id."""
        return self.me.redeem(self.offer).json["voucher"]

    def code(self, voucher):
        return self.me.get(f"/v1/vouchers/{voucher}").json["code"]

    def cookies(self, face):
        return {
            MEMBER: lambda: {"jifen_member": member_token(self.member_id)},
            "merchant": lambda: {"jifen_merchant": merchant_token(self.owner)},
            "staff": lambda: {"jifen_staff": staff_token(*ROLES)},
        }.get(face, dict)()

    def more(self, face, page):
        """Addresses that nothing links to now, or that lead to what is worth seeing."""
        if face == MEMBER:
            group_id = given_group(self.db, self.programme, points=900, caps={self.member_id: 500})
            quote = self.me.quote(self.offer).json["id"]
            return [
                *self.uses,
                f"/vouchers/{self.vouchers[1]}",
                f"/quotes/{quote}",
                f"/groups/{ids.public('grp', group_id)}",
            ]
        if face == "till":
            self.at_till(page)
            check(page, self.code(self.vouchers[0]))
            accept(page)
            accepted = page.evaluate("() => location.pathname")
            self.uses.append("/acceptances/" + accepted.rpartition("/")[2])
            return [accepted, self._earned()]
        if face == "staff":
            written = f"/staff/worth/written?offer={ids.public('off', self.offer.offer_id)}"
            return [f"/staff/statements?merchant={demo.SHOP}", written, *self._proposals()]
        return []

    def at_till(self, page):
        """The shop's manager, signed in at its till."""
        page.goto("/till")
        pair(page, self.db, SimpleNamespace(terminal=self.terminal))
        sign_in(page, "09")

    def _proposals(self):
        """One of each kind that the demo has, and some more."""
        card = given_offer(self.programme, "trial_card", merchant_id=self.merchant.merchant_id)
        given_trial_card(self.member_id, card)
        tomorrow = clock.day(clock.now(), self.merchant.zone) + timedelta(days=1)
        rates = {
            "programme": "gotone",
            "rows": [{"kind": "voucher", "from_day": str(tomorrow), "points": 95, "per_fen": 100}],
        }
        answer = caller(self.app, staff_token("editor")).post(
            "/v1/rates/proposals", rates | {"reason": "a test"}
        )
        assert answer.status_code == 201, answer.json
        with database.begin() as session:
            found = session.scalars(select(Proposal).order_by(Proposal.proposal_id)).all()
        return [url_of(one.kind, one.proposal_id) for one in found if one.kind in KINDS]

    def _earned(self):
        with database.begin() as session:
            row = session.scalars(
                select(Earning).where(Earning.outlet_id == self.terminal.outlet_id).limit(1)
            ).one()
        return f"/till/points/{ids.public('ern', row.member_id, row.earning_id)}"
