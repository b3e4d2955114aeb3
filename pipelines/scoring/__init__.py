"""Scoring open leads and files, and what is said about each lead."""
