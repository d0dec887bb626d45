"""Pages about the product itself: the API's description, one page for each problem."""
