"""`make docs`: the page that says of each error text what it means and what to do."""
