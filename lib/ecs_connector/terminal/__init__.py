"""What a person at a terminal needs: configuration from three places, help pages, examples, progress."""
