"""How a brief is measured: cases, the system that makes the brief, scores, figures."""
