"""The cosigner (a witness of C2SP tlog-witness): it stands for a log that only grows (h323-witness-cosigner)."""
