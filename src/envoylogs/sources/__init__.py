"""Where bytes come from: files, folders, globs, pipes; blocks of whole lines."""
