"""Templates: Jinja with the dialect's rules, lazily, and only for texts that are trusted."""
