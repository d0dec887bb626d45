"""How a merchant joins, stage by stage, and leaves."""
