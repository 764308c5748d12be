"""Has no process."""
