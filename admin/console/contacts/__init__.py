"""Contacts on the console: what stands on a member's page, and the whole log."""
