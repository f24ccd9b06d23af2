"""The council's H.323 gatekeeper."""
