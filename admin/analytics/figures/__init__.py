"""What points cost and are worth, over HTTP: premium, mix, liability, roll-up."""
