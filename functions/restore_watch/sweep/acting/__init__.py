"""How a sweep acts on what Atlas says: the one path of every answer to the table and the topic."""
