"""What every page of the console stands on: the menu, who is signed in, the chosen programme, pages of lists."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import render_template, request
from sqlalchemy.orm import Session

from admin.staff.models import StaffRow
from base import database, idempotency, pages
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current
from base.auth.principals import Staff
from base.http.settings import config
from base.web.i18n import lazy_gettext as _
from points import programmes
from points.models import Programme
from points.programmes import ProgrammeUnknown

PAGE = 50
# (permission, label, address, icon, further places that belong to it)
MENU = (
    ("console", _("Overview"), "/staff", "home", ()),
    ("members:read", _("Members"), "/staff/members", "user", ()),
    (
        "proposals:read",
        _("Approvals"),
        "/staff/approvals",
        "shield",
        (
            "/staff/adjustments",
            "/staff/merges",
            "/staff/extensions",
            "/staff/erasures",
            "/staff/opening-balances",
            "/staff/stock-corrections",
            "/staff/budget-proposals",
            "/staff/reversals",
            "/staff/entitlements",
            "/staff/bonus-rules",
            "/staff/goodwill",
            "/staff/trial-cards",
            "/staff/tier-policies",
            "/staff/tier-grants",
            "/staff/rate-proposals",
            "/staff/earn-rule-proposals",
            "/staff/offer-proposals",
            "/staff/merchant-reviews",
            "/staff/terms-proposals",
            "/staff/pack-proposals",
            "/staff/mix-target-proposals",
            "/staff/merchant-adjustments",
            "/staff/payout-runs",
            "/staff/payout-releases",
            "/staff/write-offs",
            "/staff/replays",
        ),
    ),
    ("audit:read", _("View log"), "/staff/view-log", "search", ()),
    ("offers:read", _("Offers"), "/staff/offers", "gift", ()),
    ("segments:read", _("Segments"), "/staff/segments", "group", ()),
    ("rates:read", _("Rates and rules"), "/staff/rates", "scales", ()),
    ("merchants:read", _("Merchants"), "/staff/merchants", "shop", ("/staff/statements",)),
    ("payouts:read", _("Payouts"), "/staff/payouts", "coin", ()),
    ("disputes:read", _("Disputes"), "/staff/disputes", "scales", ()),
    ("trace:read", _("Trace"), "/staff/trace", "search", ()),
    ("till-alerts:read", _("Alerts about tills"), "/staff/till-alerts", "alert", ()),
    ("retention:read", _("Redemption and staying"), "/staff/retention", "chart", ()),
    ("figures:read", _("Worth and cost"), "/staff/worth/mix", "coin", ("/staff/worth/",)),
    ("books:read", _("Books"), "/staff/books", "list", ()),
    ("console", _("Jobs"), "/staff/jobs", "gear", ()),
)


def page(template: str, **values: Any) -> str:
    """A page in the console's frame."""
    principal = current()
    staff = None
    if isinstance(principal, Staff):
        with database.begin() as session:
            row = session.get(StaffRow, principal.staff_id)
        staff = {"name": row.name if row else "", "sign_out": "/staff/sign-out"}
    values.setdefault("programme", None)
    nav = _menu(principal.permissions, request.args.get("programme"))
    return render_template(template, nav=nav, staff=staff, home_url="/staff", **values)


def chosen(session: Session) -> dict[str, Any]:
    """All programmes and the one of `?programme=`, else the first; ProgrammeUnknown. None while there is none."""
    every = programmes.every(session)
    code = request.args.get("programme")
    found = [p for p in every if p.code == code] if code else every
    if code and not found:
        raise ProgrammeUnknown(programme=code[:64])
    programme: Programme | None = found[0] if found else None
    return {"programmes": every, "programme": programme}


def position(of_list: str) -> list[Any] | None:
    """After which row `?after=` goes on in this list; None: from the start. CursorUnknown for another list's."""
    place = pages.position(config().secret_key, request.args.get("after"))
    if place is not None and place[0] != of_list:
        raise pages.CursorUnknown()
    return place[1:] if place else None


def cut(of_list: str, rows: Sequence[Any], place: Any, limit: int = PAGE) -> tuple[Sequence[Any], str | None]:
    """The page's rows out of one more, and the cursor to the next page; `place` tells a row's position as a list."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], pages.cursor(config().secret_key, of_list, *place(rows[limit - 1]))


def once(effect: Callable[[Session], Any]) -> Any:
    """Do a form's deed in a transaction of its own, once for its key; what it answered."""
    key = idempotency.checked(request.form.get("key"))
    asked = {"page": request.path, "form": {k: v for k, v in request.form.items() if k != "csrf_token"}}
    with database.begin() as session:
        answer = idempotency.once(
            session, NO_MEMBER, current().actor, key, asked, lambda: (303, effect(session))
        )
    return answer.body


def _menu(permissions: frozenset[str], programme: str | None) -> list[dict[str, Any]]:
    items = []
    for permission, label, href, icon, more in MENU:
        if permission not in permissions:
            continue
        item: dict[str, Any] = {"label": label, "href": href, "icon": icon, "exact": href == "/staff"}
        if any(request.path.startswith(other) for other in more):
            item["active"] = True
        if programme:
            item["href"] += "?" + urlencode({"programme": programme})
        items.append(item)
    return items
