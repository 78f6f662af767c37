"""What there is below directories, chosen and told."""
