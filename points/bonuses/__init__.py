"""Bonuses: points for sign-ups, birthdays, surveys and other occasions beside bills, with caps and budgets."""
