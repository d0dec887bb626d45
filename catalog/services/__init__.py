"""Services of the operator - data packs, new services - ordered with points at its product-ordering system."""
