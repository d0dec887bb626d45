"""The console's form that proposes an adjustment."""
