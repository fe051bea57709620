"""Why a request was turned away, from what the log holds and the configuration says."""
