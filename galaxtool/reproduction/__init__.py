"""The tables and figures of papers, measured again beside the published values."""
