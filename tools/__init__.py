"""The programs: flags in, one call of the library, a few lines out."""
