"""Contracts: what every member of a family must do."""
