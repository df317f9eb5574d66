"""What tests share: payloads, strategies, programs to start."""
