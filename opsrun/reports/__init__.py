"""Reports of runs: one fold of what the journal has, and a page, JUnit's XML and Markdown of it."""
