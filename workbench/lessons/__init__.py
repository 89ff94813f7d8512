"""Lessons: read from files, walked through step by step, proved, marked."""
