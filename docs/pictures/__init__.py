"""Pictures for the README and the pages, drawn from the golden files and from template.yaml."""
