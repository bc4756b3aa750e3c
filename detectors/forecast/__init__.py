"""What will come: counts of people and traffic some periods ahead, with intervals."""
