"""A stand-in for Amazon Redshift: a PostgreSQL-protocol front before a PostgreSQL 15 server.

Clients speak to it as they speak to Redshift. The front reads each statement, refuses what Redshift
refuses, rewrites what PostgreSQL spells differently, runs COPY, UNLOAD and a few commands itself,
and relays the rest. What PostgreSQL lacks in functions and system views is installed by
:mod:`redshift_stand_in.catalogue`.
"""
