"""Learning from tables that do not fit into memory."""

from kanopt.surrogates.streaming.streamed_fit import StreamingResult, learn_streamed

__all__ = ["StreamingResult", "learn_streamed"]
