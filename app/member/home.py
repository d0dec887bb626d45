"""Home: balance and worth, what lapses next, tiers, what is under way, vouchers to use, offers within reach."""

from flask import render_template
from flask.typing import ResponseReturnValue

from app.member import cards, refusals
from app.member.frame import blueprint, me, why_not_redeeming
from base import clock, database
from base.auth.guard import needs
from catalog.rates import rates
from catalog.redemptions import redemptions
from catalog.vouchers import shelf
from points import lots
from points.entitlements import entitlements
from points.groups import spending
from points.members import members
from points.tiers import tiers
from points.tiers import words as tier_words
from points.wallets import wallets

ON_TOP = 3


@blueprint.route("/")
@needs("wallet:own")
def home() -> ResponseReturnValue:
    """Everything at one look."""
    at = clock.now()
    with database.begin() as session:
        shown = wallets.show(session, me().member_id, at)
        worth_fen = rates.worth(rates.load(session, shown.programme.programme_id, shown.on), shown.spendable)
        refusal = why_not_redeeming(session, shown)
        return render_template(
            "member/home.html",
            shown=shown,
            worth_fen=worth_fen,
            next_lot=shown.lots[0] if shown.lots and shown.lots[0][0] != lots.NO_END else None,
            refusal=refusal and (refusal, refusals.detail(refusal), refusals.next_step(refusal)),
            under_way=redemptions.under_way(session, me().member_id, limit=ON_TOP + 1),
            vouchers=shelf.listed(session, me().member_id, at, shelf.USABLE, limit=ON_TOP + 1),
            on_top=ON_TOP,
            allowances=entitlements.of(
                session, members.by_id(session, me().member_id), shown.programme, shown.on
            ),
            groups=spending.mine(session, me().member_id, at),
            near=cards.near(session, shown, at),
            tiers=tiers.of(session, me().member_id, shown.on),
            tier_history=tiers.history(session, me().member_id)[:ON_TOP],
            tier_words=tier_words,
        )
