"""Who is to blame: the wrong rule or claim, the kind of mistake, the formula that would be right."""
