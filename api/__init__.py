"""The service, and the command line on top of all three packages."""
