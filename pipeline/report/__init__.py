"""The report: the page that people look at, the page of each head, and a table for the terminal."""
