"""Development only: botocore's ECS model + overrides.toml -> everything that is generated."""
