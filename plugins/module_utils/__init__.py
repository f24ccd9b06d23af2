"""What modules of this project share."""
