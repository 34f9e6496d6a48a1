"""Evaluation: the figures of the script conlleval, those of seqeval's strict mode, and a report of
both.
"""
