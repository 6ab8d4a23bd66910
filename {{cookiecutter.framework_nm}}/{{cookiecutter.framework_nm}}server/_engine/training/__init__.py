"""What no framework changes about training: splitting, scores, settings, the command, and the class that models
inherit from. Not here: any framework."""
