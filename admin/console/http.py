"""What every page of the console stands on: the menu, who is signed in, the chosen programme, pages of lists."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from flask import current_app, render_template, request
from sqlalchemy.orm import Session

from admin.console.sheets import http as sheets
from admin.console.views import views
from admin.staff.models import StaffRow
from base import database, idempotency, pages
from base.approvals.approvals import NO_MEMBER
from base.auth import guard
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
            "/staff/campaigns",
            "/staff/merchant-reviews",
            "/staff/terms-proposals",
            "/staff/pack-proposals",
            "/staff/mix-target-proposals",
            "/staff/merchant-adjustments",
            "/staff/payout-runs",
            "/staff/payout-releases",
            "/staff/write-offs",
            "/staff/notice-proposals",
            "/staff/replays",
            "/staff/access-proposals",
            "/staff/resumptions",
        ),
    ),
    ("tickets:read", _("Tickets"), "/staff/tickets", "mail", ()),
    ("care:read", _("Member care"), "/staff/care/tasks", "phone", ("/staff/care/",)),
    ("notices:read", _("Text messages"), "/staff/notices", "mail", ("/staff/notices/",)),
    ("stock:read", _("Resources"), "/staff/resources", "list", ()),
    ("audit:read", _("View log"), "/staff/view-log", "search", ()),
    ("audit:read", _("Audit log"), "/staff/audit", "shield", ()),
    ("staff:read", _("Staff and access"), "/staff/people", "group", ()),
    ("offers:read", _("Offers"), "/staff/offers", "gift", ("/staff/offer-drafts",)),
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
    ("imports:read", _("Imports"), "/staff/imports", "upload", ()),
    ("console", _("Jobs"), "/staff/jobs", "gear", ()),
    ("console", _("Planned work"), "/staff/maintenance", "clock", ()),
    ("halts:read", _("Stops"), "/staff/halts", "alert", ()),
)


def page(template: str, **values: Any) -> str:
    """A page in the console's frame; with `as_file` above it the way to its list as a file."""
    principal = current()
    staff = None
    if isinstance(principal, Staff):
        with database.begin() as session:
            row = session.get(StaffRow, principal.staff_id)
            if request.path in views.PLACES and request.method == "GET" and _is_open(principal):
                values |= {"above_content": "console/_views.html", "views": _views(session, principal)}
        staff = {"name": row.name if row else "", "own": "/staff/own-access", "sign_out": "/staff/sign-out"}
    values.setdefault("programme", None)
    if values.get("as_file"):
        values = {"above_content": "console/_as_file.html", "most_in_file": sheets.MOST} | values
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


def _is_open(principal: Staff) -> bool:
    """Whether the person may open what is asked for: the page of a refusal shows no views."""
    return guard.permission_of(current_app, request.endpoint or "") in principal.permissions


def _views(session: Session, person: Staff) -> dict[str, Any]:
    """The saved views of the list that is open; of others' views, whose they are."""
    rows = views.of_list(session, person, request.path)
    database.bring(session, StaffRow, (row.staff_id for row in rows))
    names = {row.view_id: session.get_one(StaffRow, row.staff_id).name for row in rows}
    return {
        "rows": [
            (
                row,
                views.address(row),
                views.reference(row),
                names[row.view_id] if row.staff_id != person.staff_id else None,
            )
            for row in rows
        ],
        "own": sum(row.staff_id == person.staff_id for row in rows),
        "place": request.path,
        "query": views.plain(request.query_string.decode()),
        "key": uuid4(),
    }


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
