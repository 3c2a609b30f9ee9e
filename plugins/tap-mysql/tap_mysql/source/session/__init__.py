"""Sessions with MySQL: how they are opened, and which server answers."""
