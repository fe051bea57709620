"""Other programs that do the work of ``envoylogs summarize``, timed beside it."""
