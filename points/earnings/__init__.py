"""What bills earn, told by the operator's billing over HTTP; and what they would earn."""
