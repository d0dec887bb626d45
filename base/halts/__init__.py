"""Actions that a person, or the proof of the books, stopped at once; two persons let them go on."""
