"""Announcements: extensions proposed by one person and, once another approved them, announced."""
