"""Reversals: what was given is undone by two persons, whatever its offer lets members do."""
