"""The threads of an environment, and the tasks that are handed out to them."""
