"""Disputes over HTTP, and what they do to a voucher and its points."""
