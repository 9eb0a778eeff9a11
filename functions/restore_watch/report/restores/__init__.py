"""The restores that are known, of the table and of Atlas, and how much each proves."""
