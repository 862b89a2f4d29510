"""Run programs within limits, and stop this process without leaving programs behind."""
