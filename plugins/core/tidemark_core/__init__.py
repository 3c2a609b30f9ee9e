"""Code shared by two or more of Tidemark's packages. Does not import Singer or Meltano."""
