"""What two or more of Tidemark's packages need, and nothing else. Imports no Singer, no Meltano."""
