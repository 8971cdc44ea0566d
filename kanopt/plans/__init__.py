"""What plans of every kind share: problems and their assessments, prices, checks, reasons and results; no solver."""
