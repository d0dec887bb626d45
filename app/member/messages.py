"""The member's messages, and the language in which they come."""

from datetime import datetime, timedelta

from flask import redirect, render_template, request
from flask import session as browser
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member.frame import PAGE, _, blueprint, cursor, me, position
from base import channels, clock, database
from base.auth.guard import needs
from base.errors import Invalid
from base.http.settings import config
from base.notices import notices
from base.notices.notices import Message
from base.notices.texts import CODES
from base.web.i18n import OWN_NAMES
from points.members import members
from points.preferences import preferences

BOTH = "both"
SEEN = "messages_seen"  # of the browser's session: the newest message that the list showed
FRESH = timedelta(days=30)


@blueprint.route("/messages")
@needs("wallet:own")
def list_messages() -> ResponseReturnValue:
    """What was written to the member, newest first."""
    place = position()
    with database.begin() as session:
        rows = notices.of_member(
            session, me().member_id, before=place[0] if place else None, limit=PAGE + 1, but=CODES
        )
        messages = notices.opened(session, rows[:PAGE], config().seal_key)
        language = members.by_id(session, me().member_id).language
    if place is None and rows:
        browser[SEEN] = rows[0].notice_id
    return render_template(
        "member/messages.html",
        messages=messages,
        language_of_messages=language or BOTH,
        choices=[(BOTH, _("Chinese and English")), *OWN_NAMES.items()],
        next_cursor=cursor(rows[PAGE - 1].notice_id) if len(rows) > PAGE else None,
    )


def unseen(session: Session, at: datetime) -> Message | None:
    """The newest message of these weeks that the list has not shown in this browser; None: there is none."""
    rows = notices.of_member(session, me().member_id, before=None, limit=1, but=CODES)
    if not rows or rows[0].at < at - FRESH or rows[0].notice_id <= int(browser.get(SEEN, 0)):
        return None
    return notices.opened(session, rows, config().seal_key)[0]


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
