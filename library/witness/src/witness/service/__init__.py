"""What each service of the council is made of: settings, mutual TLS, metrics, and words with systemd."""
