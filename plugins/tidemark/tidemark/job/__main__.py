"""``python -m tidemark.job``: what orchestrate/cron/run-job starts."""

from tidemark.job.cli import main

if __name__ == "__main__":
    main()
