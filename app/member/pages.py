"""The member's pages: sign-in, home, offers, quotes and redemptions, vouchers, points, groups, statements, messages."""

from app.member import (
    genuine,
    groups,
    home,
    messages,
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
    "messages",
    "offers",
    "points",
    "redemptions",
    "refusals",
    "sign_in",
    "sources",
    "statements",
    "vouchers",
]
