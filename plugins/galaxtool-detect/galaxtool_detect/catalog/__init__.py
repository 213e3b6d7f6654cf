"""From detections to a catalogue: positions, fluxes, noise, sources with parts, regions, figures and pages."""
