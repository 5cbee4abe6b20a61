"""Settings: schema, merging, automatic values, building."""
