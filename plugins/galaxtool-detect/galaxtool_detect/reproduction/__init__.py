"""Table 4 of Lastufka et al. 2024, measured again."""
