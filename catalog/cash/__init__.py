"""The part of a redemption that is paid in money, by card."""
