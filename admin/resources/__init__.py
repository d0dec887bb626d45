"""What services are made of: places, gifts, test sets; what lies where, what was used at which cost, what budget is left."""
