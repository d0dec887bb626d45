"""The member's account: one place for everything about oneself, the sign-ins, and points frozen and thawed."""

from uuid import uuid4

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member.frame import _, back_to, blueprint, me
from app.member.messages import BOTH
from base import clock, database, idempotency
from base.auth import sign_ins
from base.auth.guard import needs, signed_in_with
from base.errors import Problem
from base.http.problems import status_of
from base.http.settings import config
from base.web.i18n import current_language
from points import programmes
from points.freezes import freezes
from points.freezes.models import NOT_ME, OF_STAFF, OWN
from points.groups import spending
from points.members import masks, members
from points.members.sign_in import secrets_of

ABOUT = ("red", "acc")  # what "this was not me" may be about: a redemption, a use


@blueprint.route("/account")
@needs("preferences:own")
def account() -> ResponseReturnValue:
    """Everything about oneself, and the way to each."""
    with database.begin() as session:
        member = members.by_id(session, me().member_id)
        phone = members.phone_of(session, secrets_of(config()), member.member_id)
        return render_template(
            "member/account.html",
            phone=masks.phone(phone) if phone else None,
            customer_id=member.customer_id,
            programme=programmes.by_id(session, member.programme_id),
            language_of_messages=member.language or BOTH,
            frozen=freezes.standing(session, member.member_id),
            groups=spending.mine(session, member.member_id, clock.now()),
        )


@blueprint.route("/account/safety")
@needs("preferences:own")
def safety() -> ResponseReturnValue:
    """Where one is signed in, and the freeze."""
    return _safety()


@blueprint.route("/account/sign-out-others", methods=["POST"])
@needs("preferences:own")
def sign_out_others() -> ResponseReturnValue:
    """End every sign-in but this one, or this one too."""
    if request.form.get("here"):
        with database.begin() as session:
            sign_ins.end_all(session, "member", [me().member_id])
        return redirect("/sign-in", 303)
    with database.begin() as session:
        sign_ins.end_others(session, "member", me().member_id, signed_in_with())
    return redirect("/account/safety?out=1", 303)


@blueprint.route("/account/freeze")
@needs("preferences:own")
def freeze_form() -> ResponseReturnValue:
    """What freezing means, and the button."""
    with database.begin() as session:
        frozen = freezes.standing(session, me().member_id)
    return render_template("member/freeze.html", frozen=frozen, key=uuid4())


@blueprint.route("/account/freeze", methods=["POST"])
@needs("preferences:own")
def freeze() -> ResponseReturnValue:
    """Freeze the own points, at once."""
    with database.begin() as session:
        _frozen(session, OWN)
    return redirect("/account/safety", 303)


@blueprint.route("/account/thaw/code", methods=["POST"])
@needs("preferences:own")
def send_thaw_code() -> ResponseReturnValue:
    """The code that thaws goes to the member's number."""
    back_to("/account/safety", _("Back to safety"))
    with database.begin() as session:
        freezes.send_code(session, config(), me().member_id, clock.now())
    return redirect("/account/safety", 303)


@blueprint.route("/account/thaw", methods=["POST"])
@needs("preferences:own")
def thaw() -> ResponseReturnValue:
    """With the right code the points are free again, at once or after the wait."""
    back_to("/account/safety", _("Back to safety"))
    code = request.form.get("code", "").strip()
    with database.begin() as session:
        right = freezes.thaw(session, config(), me().member_id, code, me().actor, clock.now())
    if not right:
        return _safety(freezes.ThawCodeRefused())
    return redirect("/account/safety", 303)


@blueprint.route("/account/not-me")
@needs("preferences:own")
def not_me_form() -> ResponseReturnValue:
    """What happens when somebody else was it, for a message or a redemption that the member did not ask for."""
    return render_template("member/not_me.html", about=_about(request.args.get("about", "")), key=uuid4())


@blueprint.route("/account/not-me", methods=["POST"])
@needs("preferences:own")
def say_not_me() -> ResponseReturnValue:
    """Freeze the points, end every other sign-in, and go on to the complaint; each is done once however often it is sent."""
    about = _about(request.form.get("about", ""))
    with database.begin() as session:
        _frozen(session, NOT_ME)
        sign_ins.end_others(session, "member", me().member_id, signed_in_with())
    return redirect(f"/help/new?kind=not-me{'&about=' + about if about else ''}", 303)


@blueprint.route("/account/closing")
@needs("preferences:own")
def closing() -> ResponseReturnValue:
    """What leaving the programme means, and who does it."""
    return render_template("member/closing.html")


def _frozen(session: Session, reason: str) -> None:
    key = idempotency.checked(request.form.get("key"))

    def effect() -> tuple[int, None]:
        freezes.freeze(session, config(), me().member_id, me().actor, clock.now(), reason)
        return 303, None

    asked = {"page": "freeze", "reason": reason}
    idempotency.once(session, me().member_id, me().actor, key, asked, effect)


def _safety(problem: Problem | None = None) -> ResponseReturnValue:
    at, member_id = clock.now(), me().member_id
    with database.begin() as session:
        found = freezes.standing(session, member_id)
        phone = members.phone_of(session, secrets_of(config()), member_id)
        page = render_template(
            "member/safety.html",
            sign_ins=sign_ins.listed(session, "member", member_id, at),
            here=signed_in_with(),
            frozen=found,
            by_staff=any(one.side == OF_STAFF for one in found),
            thaw_at=next((one.thaw_at for one in found if one.thaw_at), None),
            code_is_out=freezes.code_is_out(session, member_id, at),
            phone=masks.phone(phone) if phone else None,
            wait_h=-(-config().thaw_wait_s // 3600),
            error=problem.title(current_language()) if problem else "",
        )
    return page, status_of(type(problem)) if problem else 200


def _about(text: str) -> str:
    """A public id of one of the kinds, as it may stand in an address; empty for anything else."""
    kind, mark, body = text.partition("_")
    return text if kind in ABOUT and mark and body.isalnum() and body.isascii() and len(body) <= 40 else ""
