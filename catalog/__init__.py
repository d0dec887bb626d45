"""What points can buy: offers, rates, redemptions, vouchers, club perks, bill credit."""
