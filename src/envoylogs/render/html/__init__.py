"""A summary as one offline page whose filters count again."""
