"""Reading tables, and finding out what their columns are. Not here: what is learnt from them."""
