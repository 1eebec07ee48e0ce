"""What wrong answers say."""
