"""Notices: messages for people, from versioned templates, each with a code that proves it, handed to a gateway in time."""
