"""How was it? The form beside what was used and on a page of its own, the thanks, and the one question on the home page."""

import uuid
from datetime import datetime
from typing import Any, NamedTuple

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member.frame import _, back_to, blueprint, me
from base import clock, database, idempotency, ids, seals
from base.auth.guard import needs
from base.http.settings import config
from catalog.offers import offers
from catalog.offers.models import Offer
from catalog.ratings import ratings, words
from catalog.ratings.ratings import Said, Standing
from catalog.ratings.schemas import complaint_url
from catalog.redemptions.models import Redemption
from catalog.redemptions.redemptions import RedemptionUnknown

LATER = "jifen_rate_later"  # the redemption about which the member does not want to be asked now


class Form(NamedTuple):
    """Rating as a page shows it: where it stands, what is typed, what is wrong with it."""

    standing: Standing
    redemption: str
    typed: Said
    faults: dict[str, str]
    complaint: str | None
    key: str


def of(session: Session, place: tuple[int, int], at: datetime) -> Form | None:
    """The form for what the caller redeemed; None where there is nothing to say and nothing was said."""
    try:
        now = ratings.standing(session, config().seal_key, me().member_id, place, at)
    except RedemptionUnknown:  # a voucher that was a gift; a group's, redeemed by another
        return None
    return _form(now) if now.said or not now.refusal else None


@blueprint.context_processor
def _known_to_forms() -> dict[str, Any]:
    return {
        "star_words": words.STARS,
        "reason_words": words.REASONS,
        "rating_faults": words.FAULTS,
        "most_words": words.MOST_WORDS,
    }


@blueprint.route("/redemptions/<redemption>/rating")
@needs("redemptions:own")
def rating_page(redemption: str) -> ResponseReturnValue:
    """The form alone; once it was sent, thanks and what happens now."""
    place = _place(redemption)
    with database.begin() as session:
        now = ratings.standing(session, config().seal_key, me().member_id, place, clock.now())
        back_to(url_for("member_pages.one_redemption", redemption=redemption), _("Back to the redemption"))
        if now.refusal and not now.said:
            raise now.refusal
        return _page(session, _form(now))


@blueprint.route("/redemptions/<redemption>/rating", methods=["POST"])
@needs("redemptions:own")
def rate(redemption: str) -> ResponseReturnValue:
    """Keep what is said, once; what is wrong with it stands beside its field."""
    place, key = _place(redemption), idempotency.checked(request.form.get("key"))
    typed, faults = _typed()
    back_to(url_for("member_pages.one_redemption", redemption=redemption), _("Back to the redemption"))
    with database.begin() as session:
        if faults:
            now = ratings.standing(session, config().seal_key, me().member_id, place, clock.now())
            return _page(session, _form(now, typed, faults)), 422

        def effect() -> tuple[int, str]:
            ratings.rate(session, config().seal_key, me().member_id, place, typed, clock.now())
            return 303, redemption

        text = seals.blind(config().secret_key, "rating", typed.words).hex()
        asked = {"page": "rating", "redemption": redemption, "said": [typed.stars, *typed.reasons, text]}
        idempotency.once(session, place[0], me().actor, key, asked, effect)
    return redirect(url_for("member_pages.rating_page", redemption=redemption), 303)


@blueprint.route("/redemptions/<redemption>/rating/later", methods=["POST"])
@needs("redemptions:own")
def later(redemption: str) -> ResponseReturnValue:
    """Do not ask about it on the home page any more; only this browser remembers that."""
    _place(redemption)
    answer = make_response(redirect("/", 303))
    answer.set_cookie(
        LATER,
        redemption,
        max_age=int(ratings.ASKED_FOR.total_seconds()),
        httponly=True,
        secure=config().in_production,
        samesite="Lax",
        path="/",
    )
    return answer


def to_ask(session: Session, at: datetime) -> tuple[Redemption, Offer] | None:
    """What the home page asks about: the latest use that was not rated, unless the member said later."""
    found = ratings.to_ask(session, me().member_id, at)
    if found and request.cookies.get(LATER) == ids.public("red", found[0].member_id, found[0].redemption_id):
        return None
    return found


def _page(session: Session, form: Form) -> str:
    offer = offers.version(session, form.standing.redemption.version_id)
    return render_template("member/rating.html", rating=form, offer=offer)


def _form(now: Standing, typed: Said | None = None, faults: dict[str, str] | None = None) -> Form:
    row = now.redemption
    redemption = ids.public("red", row.member_id, row.redemption_id)
    complaint = complaint_url(redemption) if now.may_complain else None
    return Form(now, redemption, typed or now.said or Said(0), faults or {}, complaint, str(uuid.uuid4()))


def _typed() -> tuple[Said, dict[str, str]]:
    """What the form says, and what is wrong with it."""
    told, stars = request.form, request.form.get("stars", "")
    number = int(stars) if stars in map(str, words.STARS) else 0
    reasons, text = told.getlist("reasons"), words.tidied(told.get("words", ""))
    faults = words.faults(number, reasons, text)
    return Said(number, tuple(one for one in words.REASONS if one in reasons), text), faults


def _place(redemption: str) -> tuple[int, int]:
    member_id, redemption_id = ids.parse("red", redemption)
    return member_id, redemption_id
