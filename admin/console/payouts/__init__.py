"""Payouts and their runs in the console."""
