"""Programs that ask questions on a terminal."""
