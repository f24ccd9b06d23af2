"""The development-time generator of h323.asn1."""
