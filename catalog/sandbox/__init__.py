"""The sandbox of tills: codes that always answer the same, for the developers of a merchant's cash desk."""
