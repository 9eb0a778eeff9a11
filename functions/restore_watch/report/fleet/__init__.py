"""What Atlas shows of the watched projects: asked in rounds, within the pace."""
