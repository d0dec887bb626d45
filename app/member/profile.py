"""The member's own profile: personal data as the member's own, what is preferred, and who was allowed what since when."""

import uuid

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.member.frame import back_to, blueprint, me
from base import channels, clock, database, idempotency, seals, vault
from base.auth.guard import needs
from base.channels import CHANNELS
from base.http.settings import config
from base.web.i18n import gettext as _
from points.members import masks, members
from points.members.sign_in import secrets_of
from points.preferences import preferences
from points.preferences.preferences import (
    ACTIVITIES,
    ALL_INTERESTS,
    CONTACT_BY,
    INDUSTRIES,
    INDUSTRY,
    INTERESTS,
    LANGUAGE,
    LANGUAGES,
    LECTURES,
    SECOND_CONTACT,
)

CONTACT_CHANNELS = ("sms", "hotline", "account_manager", "official_account")


@blueprint.route("/profile")
@needs("preferences:own")
def profile() -> ResponseReturnValue:
    """Own data: the name in clear, numbers of documents masked even here, for others look over shoulders."""
    with database.begin() as session:
        member_id = me().member_id
        known = vault.opened(session, config().seal_key, member_id)
        said = preferences.latest(session, config(), member_id)
        phone = members.phone_of(session, secrets_of(config()), member_id)
        birthday = members.birthday_of(session, member_id)
    second = said.get(SECOND_CONTACT)
    return render_template(
        "member/profile.html",
        name=known.get(vault.NAME),
        phone=masks.phone(phone) if phone else None,
        email=known.get(vault.EMAIL),
        address=known.get(vault.ADDRESS),
        id_number=masks.id_number(known.get(vault.ID_NUMBER)),
        birthday=birthday,
        said=said,
        second=second.values[0] if second and second.values else known.get(vault.SECOND_PHONE),
        lectures=LECTURES,
        activities=ACTIVITIES,
        industries=INDUSTRIES,
        tongues=LANGUAGES,
        ways={code: CHANNELS[code] for code in CONTACT_CHANNELS},
        channels=CHANNELS,
        choices={
            INTERESTS: ALL_INTERESTS,
            INDUSTRY: INDUSTRIES,
            LANGUAGE: LANGUAGES,
            CONTACT_BY: CHANNELS,
            SECOND_CONTACT: {},
        },
        key=uuid.uuid4(),
    )


@blueprint.route("/profile", methods=["POST"])
@needs("preferences:own")
def say_preference() -> ResponseReturnValue:
    """One preference and whether it may be used; without consent it is kept and nothing is chosen by it."""
    back_to("/profile", _("Back to your profile"))
    name = request.form.get("name", "")
    values = [value.strip() for value in request.form.getlist("values") if value.strip()]
    consent = request.form.get("consent") == "1"
    key = idempotency.checked(request.form.get("key"))
    blind = seals.blind(config().secret_key, "asked", f"{name}\n{values}\n{consent}").hex()
    with database.begin() as session:
        member_id = me().member_id

        def effect() -> tuple[int, None]:
            preferences.say(
                session,
                config(),
                member_id,
                name,
                values,
                consent=consent,
                channel=channels.MEMBER_WEB,
                at=clock.now(),
            )
            return 303, None

        idempotency.once(session, member_id, me().actor, key, {"page": "profile", "what": blind}, effect)
    return redirect("/profile", 303)
