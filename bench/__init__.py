"""Benchmarks: `make bench` beside boto3, `make bench-flow` beside the official Node.js runtime."""
