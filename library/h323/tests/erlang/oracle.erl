%% The second opinion for test_erlang.py: reads a list of questions from a file, and writes to another for each of them one octet
%% (0 good, 1 bad, 2 newer than this version), the length in four, and the encoding or what was wrong.
-module(oracle).
-export([main/1]).

main([In, Out]) ->
    {ok, Octets} = file:read_file(In),
    ok = file:write_file(Out, [answer(Question) || Question <- binary_to_term(Octets)]),
    halt().

answer(Question) ->
    try
        asked(Question)
    catch
        _:Reason -> framed(1, list_to_binary(io_lib:format("~0P", [Reason, 200])))
    end.

asked({encode, Module, Type, Value}) ->
    {ok, Encoding} = Module:encode(Type, Value),
    %% It must read its own encoding, and find the same in it.
    {ok, Decoded} = Module:decode(Type, Encoding),
    {ok, Encoding} = Module:encode(Type, Decoded),
    framed(0, Encoding);
asked({decode, Module, Type, Octets}) ->
    {ok, Decoded} = Module:decode(Type, Octets),
    case newer(Decoded) of
        true -> framed(2, <<>>);
        false -> {ok, Encoding} = Module:encode(Type, Decoded), framed(0, Encoding)
    end.

%% Whether there is an alternative in it that this version doesn't know.
newer({asn1_ExtAlt, _}) -> true;
newer(Tuple) when is_tuple(Tuple) -> newer(tuple_to_list(Tuple));
newer(List) when is_list(List) -> lists:any(fun newer/1, List);
newer(_) -> false.

framed(Status, Octets) ->
    [<<Status, (byte_size(Octets)):32>>, Octets].
