"""The fields of H.225.0 messages and of the council's profile that can hold anything, and what a record says of them.

All that is text or octets in a message is in one of these lists; a test goes through the standard's types and finds one
that is in none. Another puts markers into each field of each kind of message, and finds none in a record, a line of the
service's log or a metric's label.
"""

from __future__ import annotations

from collections.abc import Mapping

RECORDED: Mapping[str, str] = {
    "AdmissionRequest.conferenceID": "32 hexadecimal digits: drawn at random by the caller",
    "BandwidthRequest.conferenceID": "32 hexadecimal digits",
    "DisengageRequest.conferenceID": "32 hexadecimal digits",
    "InfoRequestResponsePerCallInfoItem.conferenceID": "32 hexadecimal digits",
    "CallIdentifier.guid": "32 hexadecimal digits: drawn at random by the caller",
    "TransportAddressIpAddress.ip": "HOST:PORT: who asked from where, and where calls go, is what the log is for",
    "TransportAddressIp6Address.ip": "[HOST]:PORT",
}
"""Recorded as they are, since they name calls and hosts, not people. An IP address is under the log's access rules."""

REDUCED: Mapping[str, str] = {
    "AliasAddress.dialledDigits": "an alias of the registry, or a gateway's prefix and `?`",
    "AliasAddress.h323-ID": "an alias of the registry, or `?`",
    "AliasAddress.url-ID": "an alias of the registry, HOST:PORT, or `?`",
    "AliasAddress.email-ID": "an alias of the registry, or `?`",
    "PublicPartyNumber.publicNumberDigits": "as dialledDigits",
    "PrivatePartyNumber.privateNumberDigits": "as dialledDigits",
    "ClearToken.sendersID": "a terminal_id of the registry, or `?`",
    "AdmissionRequest.endpointIdentifier": "an endpointIdentifier as this gatekeeper gives them, or `?`",
    "BandwidthRequest.endpointIdentifier": "an endpointIdentifier as this gatekeeper gives them, or `?`",
    "DisengageRequest.endpointIdentifier": "an endpointIdentifier as this gatekeeper gives them, or `?`",
    "InfoRequestResponse.endpointIdentifier": "an endpointIdentifier as this gatekeeper gives them, or `?`",
    "LocationRequest.endpointIdentifier": "an endpointIdentifier as this gatekeeper gives them, or `?`",
    "RegistrationRequest.endpointIdentifier": "an endpointIdentifier as this gatekeeper gives them, or `?`",
    "ResourcesAvailableIndicate.endpointIdentifier": "an endpointIdentifier as this gatekeeper gives them, or `?`",
    "UnregistrationRequest.endpointIdentifier": "an endpointIdentifier as this gatekeeper gives them, or `?`",
}
"""Recorded only as far as the council gave them: see `disclosure.py`."""

PROFILE_LEFT_OUT = ("purpose",)
"""Of the council's profile (docs/protocol.md); call type and the flag for personal data are recorded."""

LEFT_OUT: Mapping[str, str] = {
    "ANSI41UIM": "esn imsi mdn min mscid msisdn qualificationInformationCode sesn soc systemAccessType"
    " systemMyTypeCode",
    "ANSI41UIMSystemId": "mid sid",
    "AdmissionConfirm": "language",
    "AdmissionRequest": "gatekeeperIdentifier",
    "AlertingUUIE": "fastStart",
    "AlternateGK": "gatekeeperIdentifier",
    "BandwidthRequest": "gatekeeperIdentifier",
    "CallCreditServiceControl": "amountString",
    "CallLinkage": "globalCallId threadId",
    "CallProceedingUUIE": "fastStart",
    "CallTerminationCause": "releaseCompleteCauseIE",
    "CallsAvailable": "group",
    "CarrierInfo": "carrierIdentificationCode carrierName",
    "CicInfo": "cic pointCode",
    "ClearToken": "challenge generalID password",
    "ConferenceList": "conferenceID",
    "ConnectUUIE": "conferenceID fastStart language",
    "Content": "raw text unicode",
    "CryptoH323TokenCryptoEPCert": "toBeSigned",
    "CryptoH323TokenCryptoEPPwdEncr": "encryptedData",
    "CryptoH323TokenCryptoFastStart": "toBeSigned",
    "CryptoH323TokenCryptoGKCert": "toBeSigned",
    "CryptoH323TokenCryptoGKPwdEncr": "encryptedData",
    "CryptoH323TokenCryptoGKPwdHash": "gatekeeperId",
    "CryptoTokenCryptoEncryptedTokenToken": "encryptedData",
    "CryptoTokenCryptoPwdEncr": "encryptedData",
    "CryptoTokenCryptoSignedTokenToken": "toBeSigned",
    "DisengageRequest": "gatekeeperIdentifier",
    "DisplayName": "language name",
    "Element": "name octets",
    "FacilityUUIE": "conferenceID fastStart",
    "GSMUIM": "hplmn imei imsi msisdn tmsi vplmn",
    "GatekeeperConfirm": "gatekeeperIdentifier",
    "GatekeeperReject": "gatekeeperIdentifier",
    "GatekeeperRequest": "gatekeeperIdentifier",
    "GenericIdentifier": "nonStandard",
    "GroupID": "group",
    "H235KeyCertProtectedKey": "toBeSigned",
    "H235KeySharedSecret": "encryptedData",
    "H235NonStandardParameter": "data",
    "H323UUPDU": "h245Control h4501SupplementaryService",
    "H323UUPDUTunnelledSignallingMessage": "messageContent",
    "InfoRequestResponsePerCallInfoItem": "substituteConfIDs",
    "InformationUUIE": "fastStart",
    "IsupNumber": "dataPartyNumber nationalStandardPartyNumber telexPartyNumber",
    "IsupPrivatePartyNumber": "address",
    "IsupPublicPartyNumber": "address",
    "LocationRequest": "gatekeeperIdentifier language",
    "MultimediaNonStandardParameter": "data",
    "NonStandardParameter": "data",
    "Params": "clearSalt iv iv16 iv8",
    "PartyNumber": "dataPartyNumber nationalStandardPartyNumber telexPartyNumber",
    "ProgressUUIE": "fastStart",
    "RTPSession": "cname",
    "RegistrationConfirm": "endpointIdentifier gatekeeperIdentifier",
    "RegistrationReject": "gatekeeperIdentifier",
    "RegistrationRequest": "gatekeeperIdentifier language supportedH248Packages",
    "ReleaseCompleteReason": "replaceWithConferenceInvite",
    "ServiceControlDescriptor": "signal url",
    "ServiceControlIndication": "endpointIdentifier",
    "ServiceControlIndicationCallSpecific": "conferenceID",
    "SetupUUIE": "conferenceID endpointIdentifier fastStart language parallelH245Control",
    "StimulusControl": "h248Message",
    "TransportAddress": "netBios nsap",
    "TransportAddressIpSourceRoute": "ip route",
    "TransportAddressIpxAddress": "netnum node port",
    "TunnelledProtocol": "subIdentifier",
    "TunnelledProtocolAlternateIdentifier": "protocolType protocolVariant",
    "TypedCertificate": "certificate",
    "UnknownMessageResponse": "messageNotUnderstood",
    "UnregistrationRequest": "gatekeeperIdentifier",
    "V3KeySyncMaterial": "clearSaltingKey encryptedSaltingKey encryptedSessionKey generalID genericKeyMaterial",
    "VendorIdentifier": "productId versionId",
}
"""Never recorded: of each type the components, separated by blanks. Display names, user-user data, tokens and so on."""
