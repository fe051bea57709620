"""How many sources are read: side by side on this machine."""
