"""Find what is wrong with a face set, let a person judge it, and write the set without it."""
