"""What-ifs: points at which a scenario is asked, what came of each, and what the answers sum up to."""
