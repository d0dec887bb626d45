"""Preferences: what members say of themselves, with source, moment and consent."""
