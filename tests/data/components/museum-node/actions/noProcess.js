// Has no process.
