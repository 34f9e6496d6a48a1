"""Trained models at work: batch, run, decode; files in, files out. No Keras but behind
`predictor.load`'s seam.
"""
