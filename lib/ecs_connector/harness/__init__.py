"""What runs the component outside the platform: flows, reports, the embedded ECS endpoint."""
