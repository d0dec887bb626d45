"""Segments: dated rules about members, who is in them today, and how many they were at each refresh."""
