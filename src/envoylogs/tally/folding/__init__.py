"""Names folded when there are too many: which, how, and what stands for them."""
