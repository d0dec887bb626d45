"""Pages of the staff: who may do what, changes of that by two persons, the monthly review."""
