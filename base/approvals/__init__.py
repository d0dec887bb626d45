"""Approvals: a maker proposes, a checker who is another person approves exactly that, and then it is done."""
