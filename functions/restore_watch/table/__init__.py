"""DynamoDB: the records of restore jobs, of projects and of the sweep at work."""
