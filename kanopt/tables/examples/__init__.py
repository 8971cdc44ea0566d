"""Ready example tables, each with the true laws it was made from."""
