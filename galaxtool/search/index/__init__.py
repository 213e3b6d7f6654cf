"""Similarity indexes made with FAISS, and their directories."""
