"""What points cost and are worth, on pages: mix, premium, liability, areas."""
