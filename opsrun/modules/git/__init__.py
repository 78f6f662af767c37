"""Working copies of git repositories."""
