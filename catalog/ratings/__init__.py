"""What members say of what they redeemed and used."""
