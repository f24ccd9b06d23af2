"""What every error of this distribution is a kind of."""


class WitnessError(ValueError):
    """One sentence that says what is wrong and, where somebody can do something about it, what."""
