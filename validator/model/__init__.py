"""Model: knowledge about the API and an Application, as data."""
