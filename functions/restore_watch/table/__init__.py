"""DynamoDB: what is recorded of restore jobs, of projects and of the sweep at work."""
