"""The served model and what it owns, its queue, and the options of a server. Not here: any SDK."""
