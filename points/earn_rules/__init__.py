"""Earn rules by two persons: what bill lines earn from a day on."""
