"""H.323 protocols without I/O: H.225.0 RAS messages and H.235 tokens."""
