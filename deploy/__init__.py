"""What is released, and the ways to install it without a checkout."""
