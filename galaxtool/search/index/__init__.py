"""Similarity indexes by FAISS."""
