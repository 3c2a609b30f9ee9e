"""What a statement must not hold: each module looks at one kind of thing. Pure."""
