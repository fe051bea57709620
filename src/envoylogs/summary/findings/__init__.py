"""What is wrong, who must act, and what to do next: the ranked verdicts."""
