"""What is known of a host: one script that asks, and pure readers of its answers."""
