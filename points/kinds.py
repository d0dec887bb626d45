"""Classes of account, kinds of posting, states of a wallet: the ledger's alphabet."""

from datetime import UTC, datetime
from enum import IntEnum

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)  # the end of a hold that only its own job ends
MOST_POINTS = 10**15


class Side(IntEnum):
    """Classes of account: the member's (1-3) and the house's (11-15)."""

    AVAILABLE = 1
    HELD = 2
    DEBT = 3
    ISSUED = 11
    REDEEMED = 12
    LAPSED = 13
    TRANSIT = 14
    ADJUSTED = 15


class Kind(IntEnum):
    """What a posting does."""

    EARN = 1
    UNEARN = 2
    OWE = 3
    REPAY = 4
    REDEEM = 5
    HOLD = 6
    CAPTURE = 7
    RELEASE = 8
    TIMEOUT = 9
    REVERSE = 10
    EXPIRE = 11
    ADJUST_UP = 12
    ADJUST_DOWN = 13
    GIFT_OUT = 14
    GIFT_IN = 15
    GIFT_RETURN = 16
    MERGE_OUT = 17
    MERGE_IN = 18
    MERGE_DEBT_OUT = 19
    MERGE_DEBT_IN = 20
    REDATE_OUT = 21
    REDATE_IN = 22
    CLOSE_OUT = 30


class State(IntEnum):
    """State of a wallet, set by events of the line."""

    NEW = 1
    OPEN = 2
    FROZEN = 3
    CLOSED = 4
    MERGED = 5


SIDES: dict[Kind, tuple[Side, Side]] = {
    Kind.EARN: (Side.ISSUED, Side.AVAILABLE),
    Kind.UNEARN: (Side.AVAILABLE, Side.ISSUED),
    Kind.OWE: (Side.DEBT, Side.ISSUED),
    Kind.REPAY: (Side.AVAILABLE, Side.DEBT),
    Kind.REDEEM: (Side.AVAILABLE, Side.REDEEMED),
    Kind.HOLD: (Side.AVAILABLE, Side.HELD),
    Kind.CAPTURE: (Side.HELD, Side.REDEEMED),
    Kind.RELEASE: (Side.HELD, Side.AVAILABLE),
    Kind.TIMEOUT: (Side.HELD, Side.AVAILABLE),
    Kind.REVERSE: (Side.REDEEMED, Side.AVAILABLE),
    Kind.EXPIRE: (Side.AVAILABLE, Side.LAPSED),
    Kind.ADJUST_UP: (Side.ADJUSTED, Side.AVAILABLE),
    Kind.ADJUST_DOWN: (Side.AVAILABLE, Side.ADJUSTED),
    Kind.GIFT_OUT: (Side.HELD, Side.TRANSIT),
    Kind.GIFT_IN: (Side.TRANSIT, Side.AVAILABLE),
    Kind.GIFT_RETURN: (Side.TRANSIT, Side.AVAILABLE),
    Kind.MERGE_OUT: (Side.AVAILABLE, Side.TRANSIT),
    Kind.MERGE_IN: (Side.TRANSIT, Side.AVAILABLE),
    Kind.MERGE_DEBT_OUT: (Side.TRANSIT, Side.DEBT),
    Kind.MERGE_DEBT_IN: (Side.DEBT, Side.TRANSIT),
    Kind.REDATE_OUT: (Side.AVAILABLE, Side.TRANSIT),
    Kind.REDATE_IN: (Side.TRANSIT, Side.AVAILABLE),
    Kind.CLOSE_OUT: (Side.AVAILABLE, Side.LAPSED),
}
TAKES = frozenset(kind for kind, (source, _) in SIDES.items() if source is Side.AVAILABLE)
GIVES = frozenset(kind for kind, (_, target) in SIDES.items() if target is Side.AVAILABLE)
FOLLOWS: dict[Kind, frozenset[Kind]] = {  # what a deed may refer to: nothing comes back that did not go
    Kind.CAPTURE: frozenset({Kind.HOLD}),
    Kind.RELEASE: frozenset({Kind.HOLD}),
    Kind.GIFT_OUT: frozenset({Kind.HOLD}),
    Kind.REVERSE: frozenset({Kind.REDEEM, Kind.CAPTURE}),
    Kind.GIFT_RETURN: frozenset({Kind.GIFT_OUT}),
    Kind.UNEARN: frozenset({Kind.EARN}),
}
ENDS_A_HOLD = frozenset({Kind.CAPTURE, Kind.RELEASE, Kind.TIMEOUT, Kind.GIFT_OUT})
