"""Replays: what a proposed change would have done to the redemptions or bills of the months before."""
