"""The member's privacy: who looked, and the own data as a file."""

from flask import Response, redirect, render_template
from flask.typing import ResponseReturnValue

from app.member.frame import PAGE, _, back_to, blueprint, cursor, me, position
from app.member.looks import told_of
from base import clock, database, ids
from base.auth.guard import needs
from base.http.settings import config
from base.web.i18n import current_language
from points.exports import exports
from points.people import looking


@blueprint.route("/account/privacy")
@needs("preferences:own")
def privacy() -> ResponseReturnValue:
    """Who looked at one's data, newest first; on the first page the file of the own data."""
    place, at = position(), clock.now()
    with database.begin() as session:
        rows = looking.log(
            session, member_id=me().member_id, before=int(place[0]) if place else None, limit=PAGE + 1
        )
        return render_template(
            "member/privacy.html",
            looks=told_of(session, rows[:PAGE]),
            first_page=place is None,
            export=exports.latest(session, me().member_id),
            at=at,
            next_cursor=cursor(rows[PAGE - 1].audit_id) if len(rows) > PAGE else None,
        )


@blueprint.route("/account/export", methods=["POST"])
@needs("preferences:own")
def ask_for_export() -> ResponseReturnValue:
    """Have the file written; a second tap finds the first one under way, so it needs no key."""
    back_to("/account/privacy", _("Back to privacy"))
    with database.begin() as session:
        try:
            exports.ask(session, me().member_id, current_language(), clock.now())
        except exports.OneExportADay:
            found = exports.latest(session, me().member_id)
            if found is None or found.made_at is not None:
                raise
    return redirect("/account/privacy", 303)


@blueprint.route("/account/exports/<export>")
@needs("preferences:own")
def fetch_export(export: str) -> ResponseReturnValue:
    """The file, while its day lasts; that it was fetched is written down."""
    back_to("/account/privacy", _("Back to privacy"))
    member_id, export_id = ids.parse("exp", export, unknown=exports.ExportGone)
    if member_id != me().member_id:
        raise exports.ExportGone()
    with database.begin() as session:
        body = exports.fetch(session, config(), member_id, export_id, me().actor, clock.now())
    return Response(
        body,
        mimetype="application/zip",
        headers={
            "Content-Disposition": 'attachment; filename="my-data.zip"',
            "Cache-Control": "no-store",
        },
    )
