"""The one table of requests: a function for every route, which says what is sent and what comes back."""
