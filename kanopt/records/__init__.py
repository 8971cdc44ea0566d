"""What a user may write of clients, vehicles, machines or lanes: declared once, read once."""
