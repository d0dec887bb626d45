"""Proof of proofs: samples belong to runs that were read, are not larger than asked, and nobody verified work of their own."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from base.findings import Finding

MOST = 100
_WRONG = (
    (
        "its run is unknown, or was not read",
        "select s.run_id, s.thing_id from proof_sample s left join proof_run r using (run_id) "
        "where r.run_id is null or r.ended_at is null",
    ),
    (
        "more were drawn than asked for",
        "select r.run_id, 0 from proof_run r join proof_sample s using (run_id) group by r.run_id having count(*) > r.size",
    ),
    (
        "the person who did it verified it",
        "select s.run_id, s.thing_id from proof_sample s join contact c on c.member_id = s.member_id "
        "and c.contact_id = s.thing_id where c.actor = 'staff:' || s.verified_by",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with proofs of services, at most MOST of a kind. Read-only."""
    for why, statement in _WRONG:
        for run_id, thing_id in session.execute(text(f"{statement} order by 1, 2 limit {MOST}")):
            yield Finding("proof of a service", f"{run_id} {thing_id}", why)
