"""Measurements beside rivals and limits, each pair in one run on one server. Loopback and sockets only, bounded in time."""
