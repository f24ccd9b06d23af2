"""A guardian's H.323 terminal."""
