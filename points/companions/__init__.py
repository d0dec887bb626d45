"""Companions: two members linked by the consent of both, until either leaves."""
