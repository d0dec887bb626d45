"""What every face of the product shares over HTTP: problems, headers, request ids, the API's frame."""
