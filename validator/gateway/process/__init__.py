"""The processes of the gateway: one server, or a supervisor with several workers."""
