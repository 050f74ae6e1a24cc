package simulate

import (
	"bytes"
	"fmt"
)

// This file has the CSVs whose headers are not the columns' own names: the admin centre's, Defender XDR's, and Graph's
// objects flattened.

// column is a column of such a CSV: its header, and the column and the member of it that it shows.
type column struct {
	header, column, member string
	words                  map[string]string
}

// columnHead writes the headers of columns, with what comes before and after them.
func columnHead(columns []column, before, after string) func([]byte, *layout) []byte {
	return func(b []byte, _ *layout) []byte {
		b = append(b, before...)
		for i, c := range columns {
			b = append(append(b, comma(i)...), c.header...)
		}
		return append(b, after...)
	}
}

// columnRow writes the cells of columns.
func columnRow(columns []column, timeForm, after string) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte {
		for i, c := range columns {
			b = append(b, comma(i)...)
			cell := r.named(c.column)
			switch {
			case c.column == "CreatedDateTime":
				b = rowTime(cell).AppendFormat(b, timeForm)
				continue
			case c.member == cityStateCountry:
				cell = fmt.Appendf(nil, "%s, %s, %s", member(cell, "city"), member(cell, "state"), member(cell, "countryOrRegion"))
			case c.member != "":
				cell = member(cell, c.member)
			}
			if word, ok := c.words[string(cell)]; ok {
				cell = []byte(word)
			}
			b = appendCell(b, cell)
		}
		return append(b, after...)
	}
}

// cityStateCountry is the member that stands for city, state and country in one text.
const cityStateCountry = "*"

// member is a member of one of our own JSON texts, which hold no escapes there.
func member(text []byte, name string) []byte {
	_, rest, ok := bytes.Cut(text, []byte(`"`+name+`":`))
	if !ok {
		return nil
	}
	if rest[0] == '"' {
		return rest[1 : 1+bytes.IndexByte(rest[1:], '"')]
	}
	return rest[:bytes.IndexAny(rest, ",}")]
}

// xdrFiles are exports of advanced hunting: the sign-ins of users.
func xdrFiles(t table) string {
	if t > silent {
		return ""
	}
	return [...]string{"EntraIdSignInEvents_interactive.csv", "EntraIdSignInEvents_noninteractive.csv"}[t]
}

var (
	riskNumbers = map[string]string{"none": "0", "low": "10", "medium": "50", "high": "100"}
	flagNumbers = map[string]string{"true": "1", "false": "0", "": "-1"}
)

// xdrColumns are those of EntraIdSignInEvents.
// https://learn.microsoft.com/defender-xdr/advanced-hunting-entraidsigninevents-table
var xdrColumns = []column{
	{header: "Timestamp", column: "CreatedDateTime"},
	{header: "Application", column: "AppDisplayName"},
	{header: "ApplicationId", column: "AppId"},
	{header: "LogonType", column: "IsInteractive", words: map[string]string{"true": `["interactiveUser"]`, "false": `["nonInteractiveUser"]`}},
	{header: "ErrorCode", column: "ResultType"},
	{header: "CorrelationId", column: "CorrelationId"},
	{header: "SessionId", column: "SessionId"},
	{header: "AccountDisplayName", column: "UserDisplayName"},
	{header: "AccountObjectId", column: "UserId"},
	{header: "AccountUpn", column: "UserPrincipalName"},
	{header: "IsGuestUser", column: "UserType", words: map[string]string{"Guest": "true", "Member": "false"}},
	{header: "ResourceDisplayName", column: "ResourceDisplayName"},
	{header: "ResourceId", column: "ResourceIdentity"},
	{header: "ResourceTenantId", column: "ResourceTenantId"},
	{header: "DeviceName", column: "DeviceDetail", member: "displayName"},
	{header: "EntraIdDeviceId", column: "DeviceDetail", member: "deviceId"},
	{header: "OSPlatform", column: "DeviceDetail", member: "operatingSystem"},
	{header: "DeviceTrustType", column: "DeviceDetail", member: "trustType", words: map[string]string{"Azure AD joined": "AzureAd", "Hybrid Azure AD joined": "ServerAd", "Azure AD registered": "Workplace"}},
	{header: "IsManaged", column: "DeviceDetail", member: "isManaged", words: flagNumbers},
	{header: "IsCompliant", column: "DeviceDetail", member: "isCompliant", words: flagNumbers},
	{header: "AuthenticationProcessingDetails", column: "AuthenticationProcessingDetails"},
	{header: "AuthenticationRequirement", column: "AuthenticationRequirement"},
	{header: "RiskLevelAggregated", column: "RiskLevelAggregated", words: riskNumbers},
	{header: "RiskLevelDuringSignIn", column: "RiskLevelDuringSignIn", words: riskNumbers},
	{header: "RiskState", column: "RiskState", words: map[string]string{"none": "0", "atRisk": "4"}},
	{header: "UserAgent", column: "UserAgent"},
	{header: "ClientAppUsed", column: "ClientAppUsed"},
	{header: "Browser", column: "DeviceDetail", member: "browser"},
	{header: "ConditionalAccessPolicies", column: "ConditionalAccessPolicies"},
	{header: "ConditionalAccessStatus", column: "ConditionalAccessStatus", words: map[string]string{"success": "0", "failure": "1", "notApplied": "2"}},
	{header: "IPAddress", column: "IPAddress"},
	{header: "Country", column: "Location"},
	{header: "State", column: "LocationDetails", member: "state"},
	{header: "City", column: "LocationDetails", member: "city"},
	{header: "Latitude", column: "LocationDetails", member: "latitude"},
	{header: "Longitude", column: "LocationDetails", member: "longitude"},
	{header: "NetworkLocationDetails", column: "NetworkLocationDetails"},
	{header: "RequestId", column: "Id"},
	{header: "ReportId", column: "OriginalRequestId"},
	{header: "UniqueTokenId", column: "UniqueTokenIdentifier"},
}

// flatFiles are Graph's sign-ins of users, flattened.
func flatFiles(t table) string {
	if t > silent {
		return ""
	}
	return [...]string{"InteractiveSignIns.csv", "NonInteractiveSignIns.csv"}[t]
}

// flatColumns are Graph's sign-ins with the paths of their members, as json_normalize and others write them.
var flatColumns = []column{
	{header: "id", column: "Id"},
	{header: "createdDateTime", column: "CreatedDateTime"},
	{header: "originalRequestId", column: "OriginalRequestId"},
	{header: "userDisplayName", column: "UserDisplayName"},
	{header: "userPrincipalName", column: "UserPrincipalName"},
	{header: "userId", column: "UserId"},
	{header: "userType", column: "UserType"},
	{header: "appId", column: "AppId"},
	{header: "appDisplayName", column: "AppDisplayName"},
	{header: "appOwnerTenantId", column: "AppOwnerTenantId"},
	{header: "ipAddress", column: "IPAddress"},
	{header: "autonomousSystemNumber", column: "AutonomousSystemNumber"},
	{header: "clientAppUsed", column: "ClientAppUsed"},
	{header: "userAgent", column: "UserAgent"},
	{header: "correlationId", column: "CorrelationId"},
	{header: "conditionalAccessStatus", column: "ConditionalAccessStatus"},
	{header: "appliedConditionalAccessPolicies", column: "ConditionalAccessPolicies"},
	{header: "isInteractive", column: "IsInteractive"},
	{header: "signInEventTypes", column: "IsInteractive", words: map[string]string{"true": `["interactiveUser"]`, "false": `["nonInteractiveUser"]`}},
	{header: "riskDetail", column: "RiskDetail"},
	{header: "riskLevelAggregated", column: "RiskLevelAggregated"},
	{header: "riskLevelDuringSignIn", column: "RiskLevelDuringSignIn"},
	{header: "riskState", column: "RiskState"},
	{header: "riskEventTypes_v2", column: "RiskEventTypes_V2"},
	{header: "resourceDisplayName", column: "ResourceDisplayName"},
	{header: "resourceId", column: "ResourceIdentity"},
	{header: "resourceTenantId", column: "ResourceTenantId"},
	{header: "homeTenantId", column: "HomeTenantId"},
	{header: "sessionId", column: "SessionId"},
	{header: "uniqueTokenIdentifier", column: "UniqueTokenIdentifier"},
	{header: "incomingTokenType", column: "IncomingTokenType"},
	{header: "authenticationProtocol", column: "AuthenticationProtocol"},
	{header: "originalTransferMethod", column: "OriginalTransferMethod"},
	{header: "clientCredentialType", column: "ClientCredentialType"},
	{header: "crossTenantAccessType", column: "CrossTenantAccessType"},
	{header: "authenticationRequirement", column: "AuthenticationRequirement"},
	{header: "authenticationDetails", column: "AuthenticationDetails"},
	{header: "authenticationProcessingDetails", column: "AuthenticationProcessingDetails"},
	{header: "networkLocationDetails", column: "NetworkLocationDetails"},
	{header: "tokenIssuerType", column: "TokenIssuerType"},
	{header: "status.errorCode", column: "ResultType"},
	{header: "status.failureReason", column: "Status", member: "failureReason"},
	{header: "status.additionalDetails", column: "Status", member: "additionalDetails"},
	{header: "deviceDetail.deviceId", column: "DeviceDetail", member: "deviceId"},
	{header: "deviceDetail.displayName", column: "DeviceDetail", member: "displayName"},
	{header: "deviceDetail.operatingSystem", column: "DeviceDetail", member: "operatingSystem"},
	{header: "deviceDetail.browser", column: "DeviceDetail", member: "browser"},
	{header: "deviceDetail.isCompliant", column: "DeviceDetail", member: "isCompliant"},
	{header: "deviceDetail.isManaged", column: "DeviceDetail", member: "isManaged"},
	{header: "deviceDetail.trustType", column: "DeviceDetail", member: "trustType"},
	{header: "location.city", column: "LocationDetails", member: "city"},
	{header: "location.state", column: "LocationDetails", member: "state"},
	{header: "location.countryOrRegion", column: "LocationDetails", member: "countryOrRegion"},
	{header: "location.geoCoordinates.latitude", column: "LocationDetails", member: "latitude"},
	{header: "location.geoCoordinates.longitude", column: "LocationDetails", member: "longitude"},
}
