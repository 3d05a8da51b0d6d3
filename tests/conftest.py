"""What holds for all tests."""

from hypothesis import settings

# How long an example takes says what else the machine does; speed is measured in tests/bench.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")
