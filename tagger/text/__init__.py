"""Plain facts about text: spans, tagging schemes, tokens, file formats. Standard library and NumPy
only.
"""
