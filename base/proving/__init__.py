"""What the proof of each hour found."""
