from __future__ import annotations

import pytest
from h323.asn1.types import Content, EnumeratedParameter
from h323.council import (
    CallProfile,
    CallType,
    ProfileError,
    Refusal,
    RefusalName,
    profile_generic_data,
    read_profile,
    read_refusal,
    refusal_generic_data,
)
from h323.ras import AdmissionReject, GenericData, decode, encode
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=256)


def sent(data: GenericData) -> tuple[GenericData, ...]:
    """The generic data as it arrives in a message."""
    message = decode(
        encode(AdmissionReject(request_seq_num=1, reject_reason=("requestDenied", None), generic_data=(data,)))
    )
    assert isinstance(message, AdmissionReject)
    assert message.generic_data is not None
    return message.generic_data


@given(st.builds(CallProfile, st.sampled_from(CallType), st.booleans(), TEXT))
def test_a_profile_arrives_as_it_was_sent(profile: CallProfile) -> None:
    assert read_profile(sent(profile_generic_data(profile))) == profile


@given(st.builds(Refusal, st.sampled_from(RefusalName), TEXT))
def test_a_refusal_arrives_as_it_was_sent(refusal: Refusal) -> None:
    assert read_refusal(sent(refusal_generic_data(refusal))) == refusal


def test_a_call_without_a_profile_is_a_routine_one() -> None:
    other = GenericData(id=("standard", 18))
    for data in (None, (), (other,), (refusal_generic_data(Refusal(RefusalName.SUSPENDED, "")),)):
        assert read_profile(data) == CallProfile(CallType.ROUTINE, pii=False, purpose="")


OURS = profile_generic_data(CallProfile()).id


def profile(*parameters: tuple[int, Content]) -> GenericData:
    return GenericData(
        id=OURS,
        parameters=tuple(
            EnumeratedParameter(id=("standard", number), content=content) for number, content in parameters
        ),
    )


def test_parameters_that_are_left_out_have_their_defaults() -> None:
    assert read_profile((GenericData(id=OURS),)) == CallProfile()
    assert read_profile((profile((2, ("bool", True))),)) == CallProfile(pii=True)


def test_parameters_that_we_do_not_know_are_passed_over() -> None:
    assert read_profile((profile((1, ("number8", 1)), (9, ("number8", 1))),)) == CallProfile(CallType.ESCALATE)


@pytest.mark.parametrize(
    "data",
    [
        (profile(), profile()),
        (profile((1, ("number8", 0)), (1, ("number8", 1))),),
        (profile((1, ("number8", 3))),),
        (profile((1, ("text", "ESCALATE"))),),
        (profile((2, ("number8", 0))),),
        (profile((3, ("text", "budget"))),),
        (profile((3, ("unicode", "x" * 257))),),
    ],
)
def test_a_malformed_profile_is_refused(data: tuple[GenericData, ...]) -> None:
    with pytest.raises(ProfileError):
        read_profile(data)


def test_a_refusal_that_cannot_be_read_is_none() -> None:
    data = refusal_generic_data(Refusal(RefusalName.REVOKED, "revoked"))
    unknown = EnumeratedParameter(id=("standard", 1), content=("text", "NO_SUCH_NAME"))
    numeric = EnumeratedParameter(id=("standard", 1), content=("number8", 1))
    for nothing in (None, (), (data, data), (GenericData(id=data.id, parameters=(unknown,)),)):
        assert read_refusal(nothing) is None
    assert read_refusal((GenericData(id=data.id, parameters=(numeric,)),)) is None
