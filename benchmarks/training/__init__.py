"""The quality of what projects train, beside scikit-learn's histogram gradient boosting with ordinal encoding."""
