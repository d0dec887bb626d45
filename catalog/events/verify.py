"""Proof of events: each seat and its redemption agree, and an event's row counts the seats that are taken."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base.findings import Finding

_CHECKS: tuple[tuple[str, str, str], ...] = (
    (
        "seat",
        "an event's redemption and its seat do not agree",
        "select r.member_id, r.redemption_id from redemption r left join seat s "
        "on s.member_id = r.member_id and s.redemption_id = r.redemption_id where r.kind = 'event' "
        "and case r.state when 'pending' then coalesce(s.state, '') not in ('waiting', 'offered') "
        "when 'fulfilled' then coalesce(s.state, '') not in ('taken', 'attended', 'missed') "
        "else coalesce(s.state, 'given_back') <> 'given_back' end",
    ),
    (
        "event places",
        "the event's row does not count the seats that are taken and offered",
        "select coalesce(p.offer_id, s.offer_id), s.sure from event_places p full join (select offer_id, count(*) sure "
        "from seat where state in ('offered', 'taken', 'attended', 'missed') group by offer_id) s using (offer_id) "
        "where coalesce(p.taken, 0) <> coalesce(s.sure, 0)",
    ),
)
MOST = 100


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    for rule, text, statement in _CHECKS:
        for first, second in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding(rule, f"{first} {second}", text)
