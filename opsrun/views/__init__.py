"""How results are shown, whoever shows them: harmless text, and tables for notebooks and rich."""
