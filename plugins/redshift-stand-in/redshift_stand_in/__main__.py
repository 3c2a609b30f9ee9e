"""``python -m redshift_stand_in``: as the console script."""

from redshift_stand_in.cli import main

raise SystemExit(main())
