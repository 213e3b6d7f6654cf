"""Simulated radio fields: sources, beam, noise, artefacts, and the boxes that follow from them."""
