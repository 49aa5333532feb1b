"""The public side: TLS in front of the api and the web page."""
