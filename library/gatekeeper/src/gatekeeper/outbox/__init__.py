"""From the store's outbox to the day files of a replica."""
