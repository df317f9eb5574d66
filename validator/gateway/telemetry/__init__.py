"""Telemetry: log lines, metrics and spans of the gateway."""
