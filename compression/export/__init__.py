"""Taking a run's models elsewhere: the card that says what they are, and the push to a Hugging Face account."""
