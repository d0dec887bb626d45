"""A group that the member may spend for: its points, what is left of the own cap, what was redeemed for it."""

from flask import render_template
from flask.typing import ResponseReturnValue

from app.member.frame import PAGE, blueprint, cursor, me, position
from base import clock, database, ids
from base.auth.guard import needs
from catalog.redemptions import redemptions
from points.groups import spending
from points.wallets import wallets


@blueprint.route("/groups/<group>")
@needs("groups:own")
def one_group(group: str) -> ResponseReturnValue:
    """The group's points, the member's cap, and the member's redemptions for it, newest first."""
    place, at, my_id = position(), clock.now(), me().member_id
    with database.begin() as session:
        found = spending.visible(session, ids.parse("grp", group, parts=1)[0], my_id)
        rows = redemptions.all_of(
            session,
            found.member_id,
            before=place[0] if place else None,
            limit=PAGE + 1,
            spender_id=my_id,
        )
        left = spending.maybe(session, found, my_id, at)
        return render_template(
            "member/group.html",
            group=found,
            left=left,
            spendable=wallets.show(session, found.member_id, at).spendable if left else None,
            rows=rows[:PAGE],
            next_cursor=cursor(rows[PAGE - 1][0].redemption_id) if len(rows) > PAGE else None,
        )
