"""The member's pages: sign-in, home, offers, redemptions, vouchers, points, groups, statements, messages, profile."""

from app.member import (
    companions,
    genuine,
    groups,
    home,
    messages,
    offers,
    points,
    profile,
    redemptions,
    refusals,
    sign_in,
    sources,
    statements,
    uses,
    vouchers,
)
from app.member.frame import blueprint

__all__ = [
    "blueprint",
    "companions",
    "genuine",
    "groups",
    "home",
    "messages",
    "offers",
    "points",
    "profile",
    "redemptions",
    "refusals",
    "sign_in",
    "sources",
    "statements",
    "uses",
    "vouchers",
]
