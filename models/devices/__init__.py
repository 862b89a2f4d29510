"""Describe devices: boards, how they are recognized, and the circumstances of measurements."""
