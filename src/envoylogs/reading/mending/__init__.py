"""What is made of lines that are no records as they stand."""
