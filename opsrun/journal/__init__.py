"""The journal: every run written down while it goes on, and read again.

`recorder.Recorder` writes one run into a file of SQLite's; `history.History` reads what is there.
Intents are durable before commands go out, outcomes before they are shown.
"""
