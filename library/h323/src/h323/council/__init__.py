"""The council's own profile of H.225.0: what a call is for, and why a request was refused."""

from h323.council.profile import CallProfile, CallType, ProfileError, profile_generic_data, read_profile
from h323.council.refusal import Refusal, RefusalName, read_refusal, refusal_generic_data

__all__ = [
    "CallProfile",
    "CallType",
    "ProfileError",
    "Refusal",
    "RefusalName",
    "profile_generic_data",
    "read_profile",
    "read_refusal",
    "refusal_generic_data",
]
