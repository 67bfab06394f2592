"""What a started interpreter takes."""
