"""What stands around the lines of a log: a module a family."""
