"""Small faults put into the product on purpose, and which tests notice each of them."""
