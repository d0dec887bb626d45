"""Proof of contacts: about members who are there, by persons of the staff, of purposes and results that are known."""

from collections.abc import Iterator

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from admin.contacts.contacts import PURPOSES, RESULTS
from admin.contacts.models import Contact
from base.channels import CHANNELS
from base.findings import Finding

MOST = 100
_STRANGE = text(f"""
select c.member_id, c.contact_id from contact c
left join member m using (member_id) left join staff s on c.actor = 'staff:' || s.staff_id
where m.member_id is null or s.staff_id is null order by 1, 2 limit {MOST}""")


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with contacts, at most MOST of a kind. Read-only."""
    for member_id, contact_id in session.execute(_STRANGE):
        yield Finding("contact", f"{member_id} {contact_id}", "its member or its person is unknown")
    unknown = or_(
        Contact.purpose.not_in(list(PURPOSES)),
        Contact.result.not_in(RESULTS),
        Contact.channel.not_in(list(CHANNELS)),
    )
    asked = select(Contact.member_id, Contact.contact_id).where(unknown).limit(MOST)
    for member_id, contact_id in session.execute(asked):
        yield Finding(
            "contact", f"{member_id} {contact_id}", "its channel, purpose or result is none of ours"
        )
