"""Archives that the host's own tools pack and unpack."""
