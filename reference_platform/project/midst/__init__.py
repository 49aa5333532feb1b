"""Rules that the platform's services share."""
