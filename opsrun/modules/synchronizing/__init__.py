"""synchronize: a tree made like another one, by rsync's rules and over the task's own connection.

``rsync_options`` reads what a task asks for, ``filters`` says which names are meant, ``planning``
(pure) compares two lists of entries; ``here`` and ``there`` are the two kinds of ends that a tree
can be at, ``carrying`` and ``within`` move bytes between them.
"""
