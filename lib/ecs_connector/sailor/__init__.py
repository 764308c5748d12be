"""Run the component as a flow step: messages in from RabbitMQ, messages out to RabbitMQ.

Speaks the wire contract of the official Node.js runtime; nothing here knows ECS.
"""
