"""The member's messages, and the language in which they come."""

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.member.frame import PAGE, _, blueprint, cursor, me, position
from base import channels, clock, database
from base.auth.guard import needs
from base.errors import Invalid
from base.http.settings import config
from base.notices import notices
from base.web.i18n import OWN_NAMES
from points.members import members
from points.preferences import preferences

BOTH = "both"
NOT_SHOWN = (
    "sign-in-code",
    "voucher-gift-code",
)  # of no use by now, and nobody should learn to read codes here


@blueprint.route("/messages")
@needs("wallet:own")
def list_messages() -> ResponseReturnValue:
    """What was written to the member, newest first."""
    place = position()
    with database.begin() as session:
        rows = notices.of_member(
            session, me().member_id, before=place[0] if place else None, limit=PAGE + 1, but=NOT_SHOWN
        )
        messages = notices.opened(session, rows[:PAGE], config().seal_key)
        language = members.by_id(session, me().member_id).language
    return render_template(
        "member/messages.html",
        messages=messages,
        language_of_messages=language or BOTH,
        choices=[(BOTH, _("Chinese and English")), *OWN_NAMES.items()],
        next_cursor=cursor(rows[PAGE - 1].notice_id) if len(rows) > PAGE else None,
    )


@blueprint.route("/messages/language", methods=["POST"])
@needs("wallet:own")
def choose_language() -> ResponseReturnValue:
    """Messages in one language, or in both, from now on."""
    wanted = request.form.get("language", "")
    if wanted not in (BOTH, *OWN_NAMES):
        raise Invalid(_("Choose one of the languages."))
    with database.begin() as session:
        preferences.say(
            session,
            config(),
            me().member_id,
            preferences.LANGUAGE,
            [] if wanted == BOTH else [wanted],
            consent=True,
            channel=channels.MEMBER_WEB,
            at=clock.now(),
        )
    return redirect("/messages", 303)
