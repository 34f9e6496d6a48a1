"""The command line: one click command a file, each a thin parser around a library function, loaded
when called.
"""
