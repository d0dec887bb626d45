"""Merchants in the console: how they join, stage by stage, their outlets, documents, owners and terms."""
