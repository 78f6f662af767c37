"""What roles say of their arguments, and whether what they are given fits."""
