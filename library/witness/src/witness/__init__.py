"""IF.witness: append-only logs that anybody can check (RFC 6962, C2SP)."""
