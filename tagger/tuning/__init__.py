"""Many trainings: several seeds, and the search for better settings."""
