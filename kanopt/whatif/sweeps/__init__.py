"""What moved to :mod:`kanopt.whatif.questions`, under its former names."""
