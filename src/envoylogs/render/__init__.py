"""A summary as output; a renderer neither groups nor adds up."""
