"""What the lake and the warehouse hold, and whether all is well."""
