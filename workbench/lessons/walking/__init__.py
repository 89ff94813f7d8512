"""A walk through a lesson: the student's folder, pages, what is typed, progress."""
