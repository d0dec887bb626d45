"""Budgets: money set aside for a campaign, or for a person and month, that no redemption can go beyond."""
