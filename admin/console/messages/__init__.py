"""What was written to a member, on the member's page."""
