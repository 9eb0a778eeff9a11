"""How the credentials of Atlas authenticate requests: by an access token, or by an API key."""
