"""The reads, a module for each subject. Nothing here writes or decides."""
