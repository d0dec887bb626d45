"""A message to a member's present number, in the member's language, with the quiet hours of the programme."""

from sqlalchemy.orm import Session

from base.config import Config
from base.notices import notices
from base.notices.templates import Facts
from points import programmes
from points.members import members
from points.members.members import Secrets


def tell(
    session: Session,
    config: Config,
    member_id: int,
    template: str,
    facts: Facts,
    *,
    seq: int | None = None,
    subject: str | None = None,
) -> None:
    """Write the message if the member has a number; `seq`: the posting of theirs that it tells, which no other may tell;
    `subject`: the public id of what it is about.
    """
    phone = members.phone_of(session, Secrets(config.seal_key, config.secret_key), member_id)
    if phone is None:
        return
    member = members.by_id(session, member_id)
    zone = programmes.by_id(session, member.programme_id).zone
    notices.send(
        session,
        config,
        member_id,
        phone,
        template,
        facts,
        zone=zone,
        language=member.language,
        seq=seq,
        subject=subject,
    )
