"""Learning from tables that do not fit into memory."""

from kanopt.surrogates.streaming.learning import Streamed, learn_streamed

__all__ = ["Streamed", "learn_streamed"]
