"""Webhooks: what happened to members, told to other systems: signed, in order, tried again, and repeatable from a day on."""
