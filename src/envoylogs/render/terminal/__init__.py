"""A summary on a terminal: findings first, then what happened, then every table."""
