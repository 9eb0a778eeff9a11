"""Whether the data came back: Atlas's own figures of a restore's source and target, compared."""
