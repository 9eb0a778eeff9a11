"""The report: which clusters had a restore test, and whether all is well."""
