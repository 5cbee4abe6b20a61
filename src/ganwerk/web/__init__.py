"""The page: a view of run directories in the browser, and buttons that are commands.

It keeps nothing of its own: whatever it shows is read from files, whatever it starts is a command
of ganwerk in a process and session of its own. No torch is imported here.
"""
