%% Encodes values of ASN.1 types for test_erlang.py: reads a list of {Module, Type, Value} from a file, and writes to another
%% for each of them one octet (0 good, 1 bad), the length in four, and the encoding or what was wrong.
-module(oracle).
-export([main/1]).

main([In, Out]) ->
    {ok, Octets} = file:read_file(In),
    ok = file:write_file(Out, [answer(Request) || Request <- binary_to_term(Octets)]),
    halt().

answer({Module, Type, Value}) ->
    try
        {ok, Encoding} = Module:encode(Type, Value),
        %% It must read its own encoding, and find the same in it.
        {ok, Decoded} = Module:decode(Type, Encoding),
        {ok, Encoding} = Module:encode(Type, Decoded),
        framed(0, Encoding)
    catch
        _:Reason -> framed(1, list_to_binary(io_lib:format("~0p", [Reason])))
    end.

framed(Status, Octets) ->
    [<<Status, (byte_size(Octets)):32>>, Octets].
