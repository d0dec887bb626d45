"""Goods: gifts, electronic ones and low-value consumables, ordered at a provider and followed until they have arrived."""
