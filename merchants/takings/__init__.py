"""What a merchant's outlets accepted, day by day."""
