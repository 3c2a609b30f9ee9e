"""Which keys only one of MySQL and the warehouse has, and the tombstones of those."""
