"""Vouchers: the right to one merchant offer, from issue to acceptance."""
