"""Person-months for tests: members whose keenness makes them redeem more and leave less, whatever redeeming does."""

import numpy as np

from admin.analytics.person_months import PersonMonths, own_or_hashed


def given_months(
    members=4000, months=18, seed=5, effect=0.0, kinds=("bill", "club"), redeem=-2.4, leave=-2.6, **facts
):
    """`effect` is added to the log odds of leaving in the month of a redemption and in the eleven after it."""
    random = np.random.default_rng(seed)
    keen = random.normal(size=members)
    there, since = np.ones(members, dtype=bool), np.full(members, 99)
    rows = []
    for month in range(months):
        keen = 0.8 * keen + 0.6 * random.normal(size=members)
        odds = np.exp(redeem - 0.7 * np.arange(len(kinds))[:, None] + 0.6 * keen)
        share = np.cumsum(odds, axis=0) / (1 + odds.sum(axis=0))
        kind = (random.random(members) >= share).sum(axis=0)
        kind = np.where(kind < len(kinds), kind, -1)
        since = np.where(kind >= 0, 0, since + 1)
        risk = 1 / (1 + np.exp(-(leave - 0.7 * keen + effect * (since < 12))))
        left = random.random(members) < risk
        here = np.flatnonzero(there)
        rows.append((here, np.full(len(here), month), left[here], kind[here], keen[here]))
        there &= ~left
    member, month, left, kind, keenness = (np.concatenate(part) for part in zip(*rows, strict=True))
    order = np.lexsort((month, member))
    return months_of(
        member[order],
        month[order],
        left[order],
        kind[order],
        kinds,
        covariates={"keen": keenness[order]},
        **facts,
    )


def months_of(member, month, left, kind, kinds=("bill",), *, can=None, covariates=None, before=None, **facts):
    """Rows as they are; tenure counts from the first month."""
    member = np.asarray(member, dtype=np.int32)
    month = np.asarray(month, dtype=np.int32)
    first = month[np.flatnonzero(np.diff(member, prepend=-1))]
    members = len(first)
    return PersonMonths(
        ids=None,
        member=member,
        month=month,
        tenure=month - first[member],
        left=np.asarray(left, dtype=bool),
        kind=np.asarray(kind, dtype=np.int8),
        kinds=kinds,
        can={name: np.asarray(values, dtype=bool) for name, values in (can or {}).items()},
        covariates={
            name: np.asarray(values, dtype=np.float32) for name, values in (covariates or {}).items()
        },
        redeemed_before=np.zeros(members, dtype=bool) if before is None else np.asarray(before, dtype=bool),
        bucket=own_or_hashed(members),
        **facts,
    )


def lives(*texts, kinds=("bill",)):
    """Members as texts, a sign a month: "." nothing, "R" redeems, "x" leaves, "X" redeems and leaves."""
    rows = [(who, month, sign) for who, text in enumerate(texts) for month, sign in enumerate(text)]
    member, month, sign = zip(*rows, strict=True)
    left = [one in "xX" for one in sign]
    return months_of(member, month, left, [0 if one in "RX" else -1 for one in sign], kinds)
