"""Programs for a follower, imported once by processes that fork themselves for each command.

Their imports are more than half of the CPU that a round takes. Meltano, dbt and the plugins have a
process each. Meltano starts the plugins' commands as ever; these ask theirs for their forks.
"""
