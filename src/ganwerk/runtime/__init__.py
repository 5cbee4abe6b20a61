"""What every verb needs of the machine: events, memory, a clean stop."""
