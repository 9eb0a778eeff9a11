"""One restore check behind two handlers, which differ in where their clients are made."""
