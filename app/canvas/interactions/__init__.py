"""Mouse modes, one file each: every mode is a class with press, move, release and cancel, and makes one edit."""
