"""What the project is checked with, beside its tests. Nothing but Python is needed."""
