"""Data sets: one file each, and what photographs have in common."""
