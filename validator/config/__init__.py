"""Configuration: the settings of a project."""
