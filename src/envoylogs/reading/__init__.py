"""From bytes to normalized frames, with an account of every line."""
