"""Networks: torch only; no files, no configuration, no printing."""
