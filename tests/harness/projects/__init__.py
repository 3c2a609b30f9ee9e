"""The project as those see it who run it each night, or follow its pages."""
