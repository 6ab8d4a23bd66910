"""Whose software an image holds, and under which terms: what its build writes into /licenses. It stands on nothing."""
