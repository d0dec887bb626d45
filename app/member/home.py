"""Home: balance and worth, what lapses next, the nearest offer, a message, vouchers to use, what is under way, tiers."""

from flask import render_template
from flask.typing import ResponseReturnValue

from app.member import cards, messages, ratings, refusals
from app.member.frame import blueprint, me, why_not_redeeming
from base import clock, database
from base.auth.guard import needs
from catalog.redemptions import redemptions
from catalog.vouchers import shelf
from points import lots
from points.entitlements import entitlements
from points.groups import spending
from points.members import members
from points.tiers import ladders, tiers
from points.tiers import words as tier_words
from points.wallets import wallets

ON_TOP = 3


@blueprint.route("/")
@needs("wallet:own")
def home() -> ResponseReturnValue:
    """Everything at one look, asked one by one and drawn when the connection is free for others again."""
    at, member_id = clock.now(), me().member_id
    with database.reading() as session:
        shown = wallets.show(session, member_id, at)
        member, climbed = (
            members.by_id(session, member_id),
            ladders.load(session, shown.programme.programme_id),
        )
        held, changed = tiers.seen_on(session, climbed, member_id, shown.on)
        refusal, reader = why_not_redeeming(session, shown), cards.reader_of(session, shown, at)
        near = cards.near(session, reader, shown)
        found = {
            "to_rate": ratings.to_ask(session, at),
            "under_way": redemptions.under_way(session, member_id, limit=ON_TOP + 1),
            "vouchers": shelf.listed(session, member_id, at, shelf.USABLE, limit=ON_TOP + 1),
            "allowances": entitlements.of(session, member, shown.programme, shown.on, climbed),
            "groups": spending.mine(session, member_id, at),
            "message": messages.unseen(session, at),
        }
    return render_template(
        "member/home.html",
        shown=shown,
        worth_fen=reader.catalogue.worth(shown.spendable),
        next_lot=shown.lots[0] if shown.lots and shown.lots[0][0] != lots.NO_END else None,
        refusal=refusal and (refusal, refusals.detail(refusal), refusals.next_step(refusal)),
        on_top=ON_TOP,
        near=near,
        nearest=next((card for card in near if card.missing), None),
        tiers=held,
        tier_history=changed[:ON_TOP],
        tier_words=tier_words,
        **found,
    )
