"""Mail addresses as identities."""

import unicodedata


def email_key(email: str) -> str:
    """Normal form under which an address is unique: NFKC, without white space, case folded."""
    return "".join(unicodedata.normalize("NFKC", email).split()).casefold()
