"""Settings of each kind of training, read from TOML and checked."""
