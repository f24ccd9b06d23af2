"""What goes wrong before a request is even made: files, keys, arguments."""


class TerminalError(ValueError):
    """One sentence for the person at the keyboard: what is wrong and what to do about it."""
