"""The member's pages: sign-in, home, offers, quotes and redemptions, vouchers, points, groups, statements."""

from app.member import (
    genuine,
    groups,
    home,
    offers,
    points,
    redemptions,
    refusals,
    sign_in,
    sources,
    statements,
    vouchers,
)
from app.member.frame import blueprint

__all__ = [
    "blueprint",
    "genuine",
    "groups",
    "home",
    "offers",
    "points",
    "redemptions",
    "refusals",
    "sign_in",
    "sources",
    "statements",
    "vouchers",
]
