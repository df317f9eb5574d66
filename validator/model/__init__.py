"""Model: what is known of the API and of an Application."""
