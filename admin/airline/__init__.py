"""Public records of an airline's loyalty programme, taken in as a programme with members, postings,
redemptions.
"""
