"""Campaigns that merchants propose: written by their people, completed by staff, put in force by another person of staff."""
