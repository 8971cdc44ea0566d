"""Learning from tables that do not fit into memory."""

from kanopt.surrogates.streaming.streamed_fit import learn_streamed

__all__ = ["learn_streamed"]
