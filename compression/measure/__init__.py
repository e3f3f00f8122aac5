"""What a model is like, one question a file: quality, size, speed."""
