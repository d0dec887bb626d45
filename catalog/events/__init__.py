"""Club events: seats, the waiting list, who came and who did not."""
