"""The log service: what was recorded becomes a tree whose root is signed, cosigned and published (h323-witness-log)."""
