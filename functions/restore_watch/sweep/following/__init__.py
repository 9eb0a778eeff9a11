"""How a sweep follows the jobs that it knows: what is asked, and in which order."""
