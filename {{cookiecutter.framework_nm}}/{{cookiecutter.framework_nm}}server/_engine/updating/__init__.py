"""`make update`: gets a template, and runs the updater that is in it. It stands on nothing, as the doctor."""
