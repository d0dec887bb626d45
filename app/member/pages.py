"""The member's pages: sign-in, home, offers, quotes and redemptions, vouchers, points, groups, profile, companions."""

from app.member import (
    companions,
    groups,
    home,
    offers,
    points,
    profile,
    redemptions,
    refusals,
    sign_in,
    sources,
    vouchers,
)
from app.member.frame import blueprint

__all__ = [
    "blueprint",
    "companions",
    "groups",
    "home",
    "offers",
    "points",
    "profile",
    "redemptions",
    "refusals",
    "sign_in",
    "sources",
    "vouchers",
]
