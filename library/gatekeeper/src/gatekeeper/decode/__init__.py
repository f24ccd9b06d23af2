"""`h323-decode`: shows what is in a capture of RAS, and what is wrong with it (docs/decode.md)."""
