"""``python -m redshift_stand_in``: the same as the console script."""

from redshift_stand_in.cli import main

raise SystemExit(main())
