"""Erasing a person: proposed by one, approved by another; the books keep an opaque id and every sum."""
