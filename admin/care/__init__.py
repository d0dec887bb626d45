"""Care: occasions that open tasks for who looks after a member, and the rhythm in which members are visited."""
