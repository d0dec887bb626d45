"""One movement of points, led back to the bills that earned them; a gift is where it ends for the member."""

from flask import render_template
from flask.typing import ResponseReturnValue

from app.member.frame import _, blueprint, me
from app.member.points import reason
from base import database
from base.auth.guard import needs
from base.web.i18n import both
from points import lots
from points.kinds import Kind
from points.wallets import traced, wallets
from points.wallets.schemas import posting_view
from points.wallets.traced import Origin


@blueprint.route("/points/<int(max=9223372036854775807):seq>")
@needs("wallet:own")
def one_movement(seq: int) -> ResponseReturnValue:
    """The lots of a movement, and for each the movements and bill lines that brought its points."""
    with database.begin() as session:
        posting = wallets.posting(session, me().member_id, seq)
        parts = traced.of_posting(session, me().member_id, seq)
    return render_template(
        "member/sources.html",
        posting=posting,
        points=posting_view(posting)["points"],
        reason=reason(Kind(posting.kind)),
        parts=[(part, [(one, _told(one)) for one in traced.joined(part.origins)]) for part in parts],
        no_end=lots.NO_END,
    )


def _told(origin: Origin) -> str:
    """The bill line, the bonus, or how else the points came."""
    if origin.bonus is not None:
        return both(origin.bonus.origin())
    if origin.bill is None:
        return reason(origin.kind)
    return _("Bill %(bill)s, line %(line)s", bill=origin.bill.bill_id, line=origin.bill.line_no)
