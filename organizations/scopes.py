"""What an API key may be allowed to do."""

EVENTS_WRITE = "events:write"
EVENTS_READ = "events:read"
ENDPOINTS_WRITE = "endpoints:write"
KEYS_WRITE = "keys:write"

ALL_SCOPES = (EVENTS_WRITE, EVENTS_READ, ENDPOINTS_WRITE, KEYS_WRITE)
