"""Programs for a follower, imported once by processes that fork themselves for each command.

Their imports are more than half of the CPU that a round takes. One process has Meltano and dbt, the
other one the plugins. Meltano starts the plugins' commands as ever; these ask it for their forks.
"""
