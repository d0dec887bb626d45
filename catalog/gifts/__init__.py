"""Gifts: a merchant's voucher that a member redeems for another one, with a time to undo."""
