"""What was judged, measured and decided goes into the database: commit after the database said yes."""
