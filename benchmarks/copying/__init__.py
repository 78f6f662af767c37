"""Files to hosts and back with several tools: what is copied, who copies it, what it cost."""
