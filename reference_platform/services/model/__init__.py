"""A stand-in for the local language model: it answers at the address, and knows nothing."""
