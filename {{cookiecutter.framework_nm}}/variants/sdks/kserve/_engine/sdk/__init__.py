"""How requests come in and answers go out: what is KServe's. Not here: what any other SDK does just so."""
