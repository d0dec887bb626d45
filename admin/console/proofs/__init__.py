"""Proof of services in the console."""
