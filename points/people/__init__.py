"""Members as people: enrolled, found, seen masked or, with a reason, in clear; every look is on record."""
