"""Adjustments of merchants and tax invoices in the console."""
