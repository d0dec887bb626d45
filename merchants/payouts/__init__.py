"""Payouts: the money of sealed statements on its way to merchants, once each."""
