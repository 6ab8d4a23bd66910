"""How requests come in and answers go out: what is KFServing's. Not here: what any other SDK does just so."""
