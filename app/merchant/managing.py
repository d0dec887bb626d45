"""Tills and people, managed on the merchant's pages and, by its manager, at the till: the same views on both faces.

Pairing codes and invitations are shown in the answer to a form alone: they stand in no address and in no log.
"""

import segno
from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.merchant.frame import PAGE, cut, errors_on, page, position, reach, text
from base import clock, database, idempotency
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.errors import field_errors
from base.http.settings import config
from base.web.i18n import gettext as _
from merchants import scope
from merchants.outlets import outlets
from merchants.outlets.outlets import MOST_OUTLETS
from merchants.people import invitations, people
from merchants.people.invitations import Made, Wanted
from merchants.terminals.models import BROWSER, CLERK, MANAGER, OWNER, POS, ROLES, Terminal
from merchants.tills import tills

blueprint = Blueprint("managing", __name__, template_folder="templates")
errors_on(blueprint)


@blueprint.route("/terminals")
@needs("terminals:manage")
def terminal_list() -> ResponseReturnValue:
    """The tills in reach, with a form for one more."""
    place, at = position(), clock.now()
    with database.begin() as session:
        mine = reach(session)
        found = tills.listed(session, mine, at, after=int(place[0]) if place else 0, limit=PAGE + 1)
        places = outlets.listed(session, mine, limit=MOST_OUTLETS)
    rows, after = cut(found, lambda one: [one.terminal.terminal_id])
    return page(
        "merchant/terminals.html",
        rows=[(one, tills.public_id(one.terminal)) for one in rows],
        after=after,
        places=[(outlets.public_id(one), one.names) for one in places],
    )


@blueprint.route("/terminals", methods=["POST"])
@needs("terminals:manage")
def add_terminal() -> ResponseReturnValue:
    """A till more, once for the form's key; its pairing code comes at once."""
    kind, outlet, key = text("kind", 10), text("outlet", 40), idempotency.checked(request.form.get("key"))
    if kind not in (BROWSER, POS):
        raise field_errors({"kind": _("not one of the choices")})
    with database.begin() as session:
        mine = reach(session)

        def effect() -> tuple[int, dict[str, str]]:
            found = scope.outlet(session, mine, outlet)
            return 303, {"id": tills.public_id(tills.add(session, found, mine.actor, kind=kind))}

        asked = [request.path, kind, outlet]
        made = idempotency.once(session, NO_MEMBER, current().actor, key, asked, effect)
    return redirect(url_for(".one_terminal", terminal=made.body["id"]), 303)


@blueprint.route("/terminals/<terminal>")
@needs("terminals:manage")
def one_terminal(terminal: str) -> ResponseReturnValue:
    """A till: its state, a pairing code, revoking."""
    with database.begin() as session:
        found = tills.find(session, reach(session), terminal, clock.now())
    return page("merchant/terminal.html", till_row=found, id=terminal, made=None)


@blueprint.route("/terminals/<terminal>/pairing")
@needs("terminals:manage")
def pairing_again(terminal: str) -> ResponseReturnValue:
    """A reload or a change of language: back to the till, for the code was shown once."""
    return redirect(url_for(".one_terminal", terminal=terminal), 303)


@blueprint.route("/terminals/<terminal>/pairing", methods=["POST"])
@needs("terminals:manage")
def pairing(terminal: str) -> ResponseReturnValue:
    """A fresh pairing code, big, with the time that it has left."""
    at = clock.now()
    with database.begin() as session:
        mine = reach(session)
        found = tills.find(session, mine, terminal, at)
        made = tills.pairing_code(session, config().secret_key, found.terminal, mine.actor, at)
    return page("merchant/terminal.html", till_row=found, id=terminal, made=made)


@blueprint.route("/terminals/<terminal>/revoke", methods=["POST"])
@needs("terminals:manage")
def revoke(terminal: str) -> ResponseReturnValue:
    """The till can do nothing any more."""
    at = clock.now()
    with database.begin() as session:
        mine = reach(session)
        found: Terminal = tills.find(session, mine, terminal, at).terminal
        tills.revoke(session, found, mine.actor, at)
    return redirect(url_for(".terminal_list"), 303)


@blueprint.route("/people")
@needs("clerks:manage")
def people_list() -> ResponseReturnValue:
    """The people in reach, open invitations, and a form to let somebody in."""
    place, at = position(), clock.now()
    with database.begin() as session:
        mine = reach(session)
        found = people.listed(session, mine, after=int(place[0]) if place else 0, limit=PAGE + 1)
        waiting = invitations.open_ones(session, mine, at, limit=PAGE)
        places = outlets.listed(session, mine, limit=MOST_OUTLETS)
    rows, after = cut(found, lambda one: [one.clerk_id])
    return page(
        "merchant/people.html",
        rows=[(one, people.public_id(one)) for one in rows],
        waiting=[(one, invitations.reference(one)) for one in waiting],
        after=after,
        names={one.outlet_id: one.names for one in places},
        places=[(outlets.public_id(one), one.names) for one in places],
        outlet_ids={one.outlet_id: outlets.public_id(one) for one in places},
        roles=ROLES if mine.role == OWNER else (CLERK,),
        me=mine,
    )


@blueprint.route("/invitations")
@needs("clerks:manage")
def invited_again() -> ResponseReturnValue:
    """A reload or a change of language: back to the people, for the invitation was shown once."""
    return redirect(url_for(".people_list"), 303)


@blueprint.route("/invitations", methods=["POST"])
@needs("clerks:manage")
def invite() -> ResponseReturnValue:
    """Let somebody in: the picture and the link, shown in this answer alone. Sent twice, the second one counts."""
    role = text("role", 10)
    with database.begin() as session:
        mine = reach(session)
        outlet_id = _outlet_of(session, role)
        made = invitations.invite(session, mine, Wanted(text("number", 20), role, outlet_id), clock.now())
    return _shown(made)


@blueprint.route("/invitations/<invitation>/withdraw", methods=["POST"])
@needs("clerks:manage")
def withdraw(invitation: str) -> ResponseReturnValue:
    """The invitation is worth nothing any more."""
    with database.begin() as session:
        invitations.withdraw(session, reach(session), invitation, clock.now())
    return redirect(url_for(".people_list"), 303)


@blueprint.route("/people/<person>/renew")
@needs("clerks:manage")
def renewed_again(person: str) -> ResponseReturnValue:
    """A reload or a change of language: back to the people, for the invitation was shown once."""
    return redirect(url_for(".people_list"), 303)


@blueprint.route("/people/<person>/renew", methods=["POST"])
@needs("clerks:manage")
def renew(person: str) -> ResponseReturnValue:
    """Let somebody choose PIN or password anew."""
    with database.begin() as session:
        mine = reach(session)
        made = invitations.renew(session, mine, people.find(session, mine, person), clock.now())
    return _shown(made)


@blueprint.route("/people/<person>/role", methods=["POST"])
@needs("clerks:manage")
def change(person: str) -> ResponseReturnValue:
    """Another role; who needs another kind of secret is invited to choose it."""
    role = text("role", 10)
    with database.begin() as session:
        mine = reach(session)
        found = people.find(session, mine, person)
        outlet_id = _outlet_of(session, role)
        anew = people.change(session, mine, found, role, outlet_id, clock.now())
        made = invitations.renew(session, mine, found, clock.now()) if anew else None
    return _shown(made) if made else redirect(url_for(".people_list"), 303)


@blueprint.route("/people/<person>/role")
@needs("clerks:manage")
def changed_again(person: str) -> ResponseReturnValue:
    """A reload or a change of language: back to the people."""
    return redirect(url_for(".people_list"), 303)


@blueprint.route("/people/<person>/end", methods=["POST"])
@needs("clerks:manage")
def end(person: str) -> ResponseReturnValue:
    """The person leaves, at once and everywhere."""
    with database.begin() as session:
        mine = reach(session)
        people.end(session, mine, people.find(session, mine, person), clock.now())
    return redirect(url_for(".people_list"), 303)


def _outlet_of(session: Session, role: str) -> int | None:
    """The outlet that the form names; none for those who are of all outlets."""
    asked = request.form.get("outlet", "")
    if role not in (CLERK, MANAGER) or not asked:
        return None
    return scope.outlet(session, reach(session), asked).outlet_id


def _shown(made: Made) -> str:
    """The link with its token behind #, and the same as a picture."""
    link = request.host_url.rstrip("/") + made.path
    picture = segno.make(link, error="m", micro=False).svg_data_uri(border=2, omitsize=True)
    return page("merchant/invited.html", invitation=made.invitation, link=link, picture=str(picture))
