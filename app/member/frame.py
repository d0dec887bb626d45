"""What the member's pages share: blueprint and menu, who asks, positions in lists, ways back."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, request
from sqlalchemy.orm import Session

from base import pages
from base.auth.guard import current
from base.auth.principals import Member
from base.errors import Invalid, Problem
from base.http.settings import config
from base.web.i18n import gettext, pgettext
from points.lines import standing
from points.lines.matrix import Action
from points.wallets.wallets import Shown

blueprint = Blueprint("member_pages", __name__, template_folder="templates")
PAGE = 20
_: Callable[..., str] = gettext
OF_ACCOUNT = ("/account", "/profile", "/companions", "/groups", "/messages", "/genuine", "/help")


def me() -> Member:
    """The signed-in member."""
    principal = current()
    assert isinstance(principal, Member)
    return principal


def spender(member_id: int) -> int | None:
    """The caller, where something belongs to another member: then to a group, or to nobody the caller knows."""
    return None if member_id == me().member_id else me().member_id


def position() -> list[Any] | None:
    """Where this page of a list begins (query value `after`); None at the start."""
    return pages.position(config().secret_key, request.args.get("after"))


def cursor(*place: Any) -> str:
    """The position after a row."""
    return pages.cursor(config().secret_key, *place)


def whole(name: str, *, least: int, most: int) -> int:
    """A whole number of the form; Invalid when it is none."""
    text = request.form.get(name, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise Invalid(_("Enter a whole number from %(least)s to %(most)s.", least=least, most=most))
    return int(text)


def why_not_redeeming(session: Session, shown: Shown) -> Problem | None:
    """Why the member's line may not redeem at all on this day; None when it may."""
    return standing.why_not(session, shown.wallet, shown.line, shown.programme, shown.on, Action.REDEEM)


def back_to(url: str, label: str) -> None:
    """Where a refusal's button leads."""
    g.back = {"back_url": url, "back_label": label}


@blueprint.context_processor
def _known_to_these_pages() -> dict[str, Any]:
    signed_in = isinstance(current(), Member)
    return {
        "nav": _menu() if signed_in else [],
        "signed_in": signed_in,
        **g.get("back", {}),
    }


def _menu() -> list[dict[str, Any]]:
    first = "/" + request.path.split("/", 2)[1]
    entries = (
        (_("Home"), "/", "home", ("/",)),
        (_("Offers"), "/offers", "gift", ("/offers", "/quotes", "/club", "/shares")),
        (_("Vouchers"), "/vouchers", "ticket", ("/vouchers", "/redemptions", "/acceptances")),
        (_("Points"), "/points", "coin", ("/points", "/statements", "/gifts")),
        (pgettext("menu", "Me"), "/account", "user", OF_ACCOUNT),
    )
    return [
        {"label": label, "href": href, "icon": icon, "active": first in pages_of}
        for label, href, icon, pages_of in entries
    ]
