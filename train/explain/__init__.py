"""Explain what a network answers by the action units that the faces show."""
