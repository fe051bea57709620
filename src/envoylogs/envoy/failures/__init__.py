"""In which ways traffic fails or is turned away: what each means, whom it blames, what to do."""
