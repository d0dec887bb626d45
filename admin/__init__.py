"""The operations console: proposals and their replay, tickets, audit, and analytics."""
