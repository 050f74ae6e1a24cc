package simulate

import (
	"fmt"
	"strconv"
	"time"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// field appends a column of an event's row to b, as the text that Log Analytics holds. A column without a field is one
// that exports leave out.
type field func(b []byte, w *world, e *event) []byte

func constant(s string) field {
	return func(b []byte, _ *world, _ *event) []byte { return append(b, s...) }
}

func text(get func(w *world, e *event) string) field {
	return func(b []byte, w *world, e *event) []byte { return append(b, get(w, e)...) }
}

// stamped is a time with Entra's seven digits.
func stamped(b []byte, t time.Time) []byte {
	return append(appendTime(b, t), 'Z')
}

// appendTime writes a time in UTC with seven digits of the second, and no zone.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = append(appendDigits(b, year, 4), '-')
	b = append(appendDigits(b, int(month), 2), '-')
	b = append(appendDigits(b, day, 2), 'T')
	b = append(appendDigits(b, hour, 2), ':')
	b = append(appendDigits(b, minute, 2), ':')
	b = append(appendDigits(b, second, 2), '.')
	return appendDigits(b, t.Nanosecond()/100, 7)
}

// appendDigits writes the last digits of a number, with zeros before it.
func appendDigits(b []byte, n, digits int) []byte {
	b = append(b, "0000000"[:digits]...)
	for i := len(b) - 1; n > 0 && i >= len(b)-digits; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

func boolean(get func(w *world, e *event) bool) field {
	return func(b []byte, w *world, e *event) []byte { return strconv.AppendBool(b, get(w, e)) }
}

// everyRow are columns of all tables.
var everyRow = map[string]field{
	"TenantId":         text(func(w *world, _ *event) string { return w.workspace }),
	"SourceSystem":     constant("Azure AD"),
	"TimeGenerated":    func(b []byte, _ *world, e *event) []byte { return stamped(b, e.arrival) },
	"OperationVersion": constant("1.0"),
	"CorrelationId":    func(b []byte, _ *world, e *event) []byte { return e.correlation.appendTo(b) },
	"Type":             text(func(_ *world, e *event) string { return tableNames[e.table] }),
	"AADTenantId":      text(func(w *world, _ *event) string { return w.tenantID }),
	"DurationMs":       constant("0"),
	"Level":            constant("4"),
}

// signInRow are columns of the tables of people's sign-ins; the schema says which of the two has which.
var signInRow = map[string]field{
	"ResourceId": text(func(w *world, _ *event) string { return "/tenants/" + w.tenantID + "/providers/Microsoft.aadiam" }),
	"Resource":   constant("Microsoft.aadiam"), "ResourceGroup": constant("Microsoft.aadiam"), "ResourceProvider": constant(""),
	"OperationName": constant("Sign-in activity"),
	"Category": text(func(_ *world, e *event) string {
		return [...]string{"SignInLogs", "NonInteractiveUserSignInLogs", "ServicePrincipalSignInLogs"}[e.table]
	}),
	"ResultType": text(func(_ *world, e *event) string { return e.code }),
	"ResultSignature": text(func(_ *world, e *event) string {
		return map[bool]string{true: "SUCCESS", false: "FAILURE"}[e.code == "0"]
	}),
	"ResultDescription": text(func(_ *world, e *event) string { return descriptions[e.code] }),
	"Location":          text(func(_ *world, e *event) string { return e.place.net.city.country }),
	"Id":                func(b []byte, _ *world, e *event) []byte { return e.id.appendTo(b) },
	"OriginalRequestId": func(b []byte, _ *world, e *event) []byte { return e.id.appendTo(b) },
	"CreatedDateTime":   func(b []byte, _ *world, e *event) []byte { return stamped(b, e.at) },
	"UserDisplayName":   text(func(_ *world, e *event) string { return e.person.name }), "Identity": text(func(_ *world, e *event) string { return e.person.name }),
	"UserId": text(func(_ *world, e *event) string { return e.person.id }), "UserPrincipalName": text(func(_ *world, e *event) string { return e.person.upn }),
	"AlternateSignInName": constant(""), "SignInIdentifier": text(func(_ *world, e *event) string { return e.person.upn }), "SignInIdentifierType": constant(""),
	"UserType": text(func(_ *world, e *event) string {
		return map[bool]string{true: "Guest", false: "Member"}[e.person.guest]
	}),
	"AppId": text(func(_ *world, e *event) string { return e.client.id }), "AppDisplayName": text(func(_ *world, e *event) string { return e.client.name }),
	"AppOwnerTenantId": text(func(_ *world, e *event) string { return e.client.owner }),
	"ResourceIdentity": text(func(_ *world, e *event) string { return e.to.id }), "ResourceDisplayName": text(func(_ *world, e *event) string { return e.to.name }),
	"ResourceOwnerTenantId": constant(microsoftServices), "ResourceServicePrincipalId": text(func(w *world, e *event) string { return w.principalOf(e.to) }),
	"ResourceTenantId": text(func(w *world, _ *event) string { return w.tenantID }), "HomeTenantId": text(func(_ *world, e *event) string { return e.person.homeTenant }), "HomeTenantName": constant(""),
	"IPAddress": text(func(_ *world, e *event) string { return e.place.address }), "AutonomousSystemNumber": func(b []byte, _ *world, e *event) []byte {
		return strconv.AppendInt(b, int64(e.place.net.asn), 10)
	},
	"IPAddressFromResourceProvider": constant(""), "GlobalSecureAccessIpAddress": constant(""), "IsThroughGlobalSecureAccess": constant("false"), "IsTenantRestricted": constant("false"), "FlaggedForReview": constant("false"),
	"LocationDetails": text(func(_ *world, e *event) string { return e.place.net.location }),
	"NetworkLocationDetails": text(func(_ *world, e *event) string {
		if e.copy {
			return "[]"
		}
		return e.place.net.locations
	}),
	"UserAgent": text(func(_ *world, e *event) string { return e.agent }),
	"ClientAppUsed": text(func(_ *world, e *event) string {
		if e.client.manner == native || e.client.manner == commandLine {
			return "Mobile Apps and Desktop clients"
		}
		return "Browser"
	}),
	"DeviceDetail":          func(b []byte, _ *world, e *event) []byte { return e.machine.appendDetail(b, e.parsed, e.known) },
	"IsInteractive":         boolean(func(_ *world, e *event) bool { return e.table == interactive }),
	"SignInEventTypes":      constant(`["nonInteractiveUser"]`),
	"SessionId":             text(func(_ *world, e *event) string { return e.session }),
	"UniqueTokenIdentifier": func(b []byte, _ *world, e *event) []byte { return e.appendTokenID(b) },
	"IncomingTokenType":     text(func(_ *world, e *event) string { return e.token }), "ClientCredentialType": text(func(_ *world, e *event) string { return e.credential }),
	"AuthenticationProtocol": text(func(_ *world, e *event) string { return orNone(e.protocol) }),
	"OriginalTransferMethod": text(func(_ *world, e *event) string {
		if e.copy {
			return "none"
		}
		return orNone(e.transfer)
	}),
	"CrossTenantAccessType": text(func(_ *world, e *event) string { return orNone(e.person.access) }),
	"Status":                func(b []byte, _ *world, e *event) []byte { return e.appendStatus(b) }, "MfaDetail": func(b []byte, _ *world, e *event) []byte { return e.appendMFA(b) },
	"AuthenticationDetails": func(b []byte, _ *world, e *event) []byte { return e.appendSteps(b) },
	"AuthenticationRequirement": text(func(_ *world, e *event) string {
		return map[bool]string{true: "multiFactorAuthentication", false: "singleFactorAuthentication"}[e.strong]
	}),
	"AuthenticationRequirementPolicies": text(func(_ *world, e *event) string {
		if e.strong {
			return `[{"requirementProvider":"multiConditionalAccess","detail":"Conditional Access"}]`
		}
		return "[]"
	}),
	"AuthenticationProcessingDetails":      func(b []byte, _ *world, e *event) []byte { return e.appendProcessing(b) },
	"AuthenticationContextClassReferences": constant("[]"), "AuthenticationMethodsUsed": constant(""), "AppliedEventListeners": constant("[]"),
	"SessionLifetimePolicies": constant("[]"), "ConditionalAccessAudiences": func(b []byte, _ *world, e *event) []byte {
		return append(append(append(b, `["`...), e.to.id...), `"]`...)
	},
	"ConditionalAccessPolicies": text(func(w *world, e *event) string { return w.policies.applied(e) }), "ConditionalAccessStatus": text(func(w *world, e *event) string { return w.policies.status(e) }),
	"RiskLevelDuringSignIn": text(func(w *world, e *event) string { return e.riskLevel(w) }), "RiskLevelAggregated": text(func(w *world, e *event) string { return e.riskLevel(w) }),
	"RiskDetail": constant("none"), "RiskState": text(func(_ *world, e *event) string {
		if e.risk != nil {
			return "atRisk"
		}
		return "none"
	}),
	"RiskEventTypes": text(func(_ *world, e *event) string { return e.riskTypes() }), "RiskEventTypes_V2": text(func(_ *world, e *event) string { return e.riskTypes() }),
	"IsRisky":         boolean(func(_ *world, e *event) bool { return e.risk != nil }),
	"TokenIssuerName": constant(""), "TokenIssuerType": constant("AzureAD"), "ServicePrincipalId": constant(""), "ServicePrincipalName": constant(""),
	"TokenProtectionStatusDetails": func(b []byte, _ *world, e *event) []byte { return e.appendProtection(b) },
	"ProcessingTimeInMilliseconds": func(b []byte, _ *world, e *event) []byte { return strconv.AppendInt(b, int64(40+int(e.id[15])*2), 10) },
	"ProcessingTimeInMs":           func(b []byte, _ *world, e *event) []byte { return strconv.AppendInt(b, int64(40+int(e.id[15])*2), 10) },
	"Agent":                        constant(`{"agentType":"notAgentic","parentAppId":""}`), "ClientSessionId": constant(""), "FederatedCredentialId": constant(""),
}

// principalRow are columns of the sign-ins of service principals.
var principalRow = map[string]field{
	"ServicePrincipalId": text(func(_ *world, e *event) string { return e.detail.(*robot).id }), "ServicePrincipalName": text(func(_ *world, e *event) string { return e.client.name }),
	"Identity": constant(""), "ServicePrincipalCredentialKeyId": text(func(w *world, e *event) string { return w.principalOf(&resource{id: e.client.id + e.credential}) }),
}

// auditRow are columns of the audit log.
var auditRow = map[string]field{
	"ResourceId":    signInRow["ResourceId"],
	"OperationName": text(func(_ *world, e *event) string { return e.detail.(*audited).operation }), "ActivityDisplayName": text(func(_ *world, e *event) string { return e.detail.(*audited).operation }),
	"Category": text(func(_ *world, e *event) string { return e.detail.(*audited).category }), "AADOperationType": text(func(_ *world, e *event) string { return e.detail.(*audited).kind }), "LoggedByService": text(func(_ *world, e *event) string { return e.detail.(*audited).by }),
	"ResultSignature": constant("None"), "Resource": constant("Microsoft.aadiam"), "ResourceGroup": constant("Microsoft.aadiam"), "Result": constant("success"), "ResultReason": constant(""),
	"Id": text(func(_ *world, e *event) string { return e.detail.(*audited).key }), "ActivityDateTime": signInRow["CreatedDateTime"],
	"InitiatedBy": text(func(_ *world, e *event) string { return e.detail.(*audited).initiator }), "TargetResources": text(func(_ *world, e *event) string { return e.detail.(*audited).targets }), "AdditionalDetails": text(func(_ *world, e *event) string { return e.detail.(*audited).additional }),
	"Identity": text(func(_ *world, e *event) string {
		if e.person == nil {
			return e.detail.(*audited).by
		}
		return e.person.name
	}),
}

// riskRow are columns of the risk detections.
var riskRow = map[string]field{
	"OperationName": constant("User Risk Detection"), "Id": signInRow["Id"], "RequestId": func(b []byte, _ *world, e *event) []byte { return e.detail.(*detected).request.appendTo(b) },
	"RiskEventType": text(func(_ *world, e *event) string { return e.detail.(*detected).kind }), "RiskLevel": text(func(_ *world, e *event) string { return e.detail.(*detected).level }), "RiskState": text(func(_ *world, e *event) string { return e.detail.(*detected).state }), "RiskDetail": text(func(_ *world, e *event) string { return e.detail.(*detected).detail }),
	"Source": text(func(_ *world, e *event) string { return e.detail.(*detected).source }), "DetectionTimingType": text(func(_ *world, e *event) string { return e.detail.(*detected).timing }), "Activity": text(func(_ *world, e *event) string { return e.detail.(*detected).activity }),
	"IpAddress": signInRow["IPAddress"], "Location": signInRow["LocationDetails"], "ActivityDateTime": func(b []byte, _ *world, e *event) []byte { return stamped(b, e.detail.(*detected).occurred) },
	"DetectedDateTime": everyRow["TimeGenerated"], "LastUpdatedDateTime": everyRow["TimeGenerated"],
	"UserId": signInRow["UserId"], "UserDisplayName": signInRow["UserDisplayName"], "UserPrincipalName": signInRow["UserPrincipalName"], "TokenIssuerType": constant("AzureAD"),
	"AdditionalInfo": func(b []byte, _ *world, e *event) []byte {
		return append(b, jsonText([]object{{"Key": "userAgent", "Value": e.detail.(*detected).agent}})...)
	},
}

// happened is the time of the event where the table's documentation says that TimeGenerated is that.
// https://learn.microsoft.com/azure/azure-monitor/reference/tables/microsoftgraphactivitylogs
func happened(b []byte, _ *world, e *event) []byte { return stamped(b, e.at) }

// graphRow are columns of the calls to Microsoft Graph.
var graphRow = map[string]field{
	"TimeGenerated": happened,
	"Location":      text(func(_ *world, e *event) string { return "West Europe" }), "RequestId": signInRow["Id"], "OperationId": signInRow["Id"], "ClientRequestId": everyRow["CorrelationId"], "ApiVersion": constant("v1.0"),
	"RequestMethod": text(func(_ *world, e *event) string { return e.detail.(*called).verb }), "ResponseStatusCode": number(func(e *event) int { return e.detail.(*called).status }), "AadTenantId": everyRow["AADTenantId"],
	"IPAddress": signInRow["IPAddress"], "UserAgent": signInRow["UserAgent"], "RequestUri": text(func(_ *world, e *event) string { return "https://graph.microsoft.com/v1.0/" + e.detail.(*called).uri }),
	"DurationMs": number(func(e *event) int { return e.detail.(*called).took }), "ResponseSizeBytes": number(func(e *event) int { return e.detail.(*called).size }),
	"SignInActivityId": text(func(_ *world, e *event) string { return e.detail.(*called).token }), "UniqueTokenId": text(func(_ *world, e *event) string { return e.detail.(*called).token }), "TokenIssuedAt": func(b []byte, _ *world, e *event) []byte { return stamped(b, e.detail.(*called).issued) },
	"AppId": signInRow["AppId"], "UserId": signInRow["UserId"], "Scopes": text(func(_ *world, e *event) string { return e.detail.(*called).scopes }), "Roles": constant(""), "Wids": constant("b79fbf4d-3ef9-4689-8143-76b194e85509"), "ServicePrincipalId": constant(""), "IdentityProvider": constant(""),
	"ClientAuthMethod": number(func(e *event) int { return boolInt(e.credential != "none") * 2 }), "SessionId": signInRow["SessionId"], "DeviceId": text(func(_ *world, e *event) string { return e.detail.(*called).device }),
	"CorrelationId": nil, "AADTenantId": nil, "OperationVersion": nil, "Level": nil,
}

func number(get func(e *event) int) field {
	return func(b []byte, _ *world, e *event) []byte { return strconv.AppendInt(b, int64(get(e)), 10) }
}

// officeRow are columns of the unified audit log.
var officeRow = map[string]field{
	"TimeGenerated": happened,
	"SourceSystem":  constant("OfficeActivityManager"), "RecordType": text(func(_ *world, e *event) string { return e.detail.(*filed).kind }), "Operation": text(func(_ *world, e *event) string { return e.detail.(*filed).operation }),
	"OrganizationId": everyRow["AADTenantId"], "UserType": constant("Regular"), "UserKey": signInRow["UserId"], "UserId": signInRow["UserPrincipalName"], "OfficeWorkload": text(func(_ *world, e *event) string { return e.detail.(*filed).workload }), "ResultStatus": constant("Succeeded"),
	"OfficeObjectId": text(func(_ *world, e *event) string { return e.detail.(*filed).object }), "ClientIP": signInRow["IPAddress"], "Client_IPAddress": signInRow["IPAddress"], "Parameters": text(func(_ *world, e *event) string { return e.detail.(*filed).parameters }),
	"OfficeId": signInRow["Id"], "Start_Time": signInRow["CreatedDateTime"], "MailboxOwnerUPN": signInRow["UserPrincipalName"], "ExternalAccess": constant("False"), "Logon_Type": constant("Owner"), "UserAgent": signInRow["UserAgent"],
	"AppAccessContext": func(b []byte, _ *world, e *event) []byte {
		f := e.detail.(*filed)
		return fmt.Appendf(b, `{"AADSessionId":%q,"UniqueTokenId":%q,"CorrelationId":%q}`, e.session, f.token, e.correlation.String())
	},
	"CorrelationId": nil, "AADTenantId": nil, "OperationVersion": nil, "Level": nil, "DurationMs": nil,
}

var rowsOf = [tableCount]map[string]field{signInRow, signInRow, principalRow, auditRow, riskRow, graphRow, officeRow}

// repeated are the columns of long texts of which there are few: one for a policy's outcome, a network or a resource.
// What a shape makes of such a text is kept.
var repeated = map[string]bool{
	"ConditionalAccessPolicies": true, "LocationDetails": true, "AuthenticationProcessingDetails": true, "AuthenticationRequirementPolicies": true,
	"Agent": true, "Status": true, "TokenProtectionStatusDetails": true, "ResultDescription": true,
}

// layout are the columns of a table that its rows fill, in the schema's order.
type layout struct {
	table    schema.Table
	columns  []schema.Column
	fields   []field
	members  []string // what stands before the columns' values in JSON
	repeated []bool
}

func newLayout(t table, all schema.Table) *layout {
	l := &layout{table: all}
	for _, c := range all.Columns {
		f, ours := rowsOf[t][c.Name]
		if !ours && t == principals {
			f, ours = signInRow[c.Name]
		}
		if !ours {
			f = everyRow[c.Name]
		}
		if f != nil {
			l.columns = append(l.columns, c)
			l.fields = append(l.fields, f)
			l.members = append(l.members, `,"`+c.Name+`":`)
			l.repeated = append(l.repeated, repeated[c.Name])
		}
	}
	return l
}

// row is a rendered row: the text of each column of its layout.
type row struct {
	layout *layout
	text   []byte
	ends   []int
	// The forms of repeated texts: as strings of JSON and as cells of a CSV.
	quoted, cells map[string][]byte
}

func (r *row) render(w *world, e *event) {
	r.text, r.ends = r.text[:0], r.ends[:0]
	for _, f := range r.layout.fields {
		r.text = f(r.text, w, e)
		r.ends = append(r.ends, len(r.text))
	}
}

func (r *row) cell(i int) []byte {
	if i == 0 {
		return r.text[:r.ends[0]]
	}
	return r.text[r.ends[i-1]:r.ends[i]]
}

// appendQuoted writes a cell as a string of JSON.
func (r *row) appendQuoted(b []byte, i int) []byte {
	return r.appendForm(b, i, &r.quoted, appendQuoted)
}

// appendCell writes a cell as one of a CSV.
func (r *row) appendCell(b []byte, i int) []byte { return r.appendForm(b, i, &r.cells, appendCell) }

func (r *row) appendForm(b []byte, i int, kept *map[string][]byte, form func(b, text []byte) []byte) []byte {
	cell := r.cell(i)
	if !r.layout.repeated[i] {
		return form(b, cell)
	}
	text, ok := (*kept)[string(cell)]
	if !ok {
		if *kept == nil {
			*kept = map[string][]byte{}
		}
		text = form(nil, cell)
		(*kept)[string(cell)] = text
	}
	return append(b, text...)
}

// named is the cell of a column; empty where the table has none.
func (r *row) named(column string) []byte {
	for i, c := range r.layout.columns {
		if c.Name == column {
			return r.cell(i)
		}
	}
	return nil
}
