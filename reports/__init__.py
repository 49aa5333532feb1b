"""What comes out of a run: outcomes, gate, summaries, HTML. It reads results and knows no fixture."""
