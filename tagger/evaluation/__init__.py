"""Evaluation of tags: conlleval's scores, seqeval's strict scores, and a report of both."""
