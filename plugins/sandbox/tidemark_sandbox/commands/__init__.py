"""The commands of ``tidemark-sandbox``: they ask the world and print."""
