"""Proof of ratings: each is of a redemption of its member that was used by then, said by who redeemed it, in time."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base.findings import Finding
from catalog.ratings.ratings import CHANGED_FOR, OPEN_FOR
from catalog.ratings.using import EVER_USED, RATED

_KINDS = ", ".join(f"'{kind}'" for kind in RATED)
_CHECKS: tuple[tuple[str, str, str], ...] = (
    (
        "rating",
        "it is of no redemption of its member, of another offer or kind, or by another than who redeemed it",
        "select x.member_id, x.redemption_id from rating x left join redemption r using (member_id, redemption_id) "
        "where r.redemption_id is null or (r.offer_id, r.kind, coalesce(r.spender_id, r.member_id)) "
        f"<> (x.offer_id, x.kind, x.rater_id) or x.kind not in ({_KINDS}) or x.stars not between 1 and 5",
    ),
    (
        "rating",
        "what it is of was not used by then",
        f"select r.member_id, r.redemption_id from rating x join redemption r using (member_id, redemption_id) {EVER_USED} "
        "where u.first_at is null or u.first_at > x.at or x.used_at < u.first_at",
    ),
    (
        "rating",
        "an entry is missing, or came after its time",
        "select member_id, redemption_id from rating group by 1, 2 having max(no) <> count(*) or min(no) <> 1 "
        "or min(first_at) <> max(first_at) or min(at) <> max(first_at) "
        f"or max(at) > max(first_at) + interval '{CHANGED_FOR.days} days' "
        f"or min(first_at) > max(used_at) + interval '{OPEN_FOR.days} days'",
    ),
)
MOST = 100


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    for rule, text, statement in _CHECKS:
        for first, second in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding(rule, f"{first} {second}", text)
