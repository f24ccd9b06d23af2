"""The streams' day files: names, how they are written, and how they are read."""
