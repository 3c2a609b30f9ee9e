"""What a sandbox is made with: its place and ports, its accounts, and what the project is told."""
