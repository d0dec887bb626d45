"""Rates and rules in the console: every version, and the way to a further one."""
