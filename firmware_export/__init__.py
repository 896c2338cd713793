"""Turns a bundle's model into C and C++ sources for a firmware build."""
