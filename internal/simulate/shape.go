package simulate

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// shape is a form in which evidence is exported.
type shape struct {
	name, folder string
	packed       bool // with zstd
	usual        bool // written unless others are named
	file         func(t table) string
	head         func(b []byte, l *layout) []byte
	row          func(b []byte, r *row) []byte
	between      string // rows
	tail         string
}

// shapes are all of them. One that has no file for a table leaves it out, as the export does.
var shapes = []shape{
	{name: "jsonl", folder: "evidence", usual: true, file: named(".jsonl"), row: jsonLine},
	{name: "portal-csv", folder: "portal-csv", usual: true, file: named(".csv"), head: portalHead, row: portalRow},
	{name: "jsonl-zst", folder: "evidence-zst", packed: true, file: named(".jsonl.zst"), row: jsonLine},
	{name: "query-api", folder: "query-api", file: named(".json"), head: apiHead, row: apiRow, between: ",", tail: "\n]}]}\n"},
	{name: "diagnostic", folder: "diagnostic", file: blobs, row: diagnosticRecord},
	{name: "graph", folder: "graph", file: graphFiles, head: graphHead, row: graphObject, between: ",", tail: "\n]}\n"},
	{name: "entra-csv", folder: "entra-csv", file: entraFiles, head: columnHead(entraColumns, "\ufeff", "\n"), row: columnRow(entraColumns, "2006-01-02T15:04:05Z", "\n")},
	{name: "az-monitor", folder: "az-monitor", file: named(".json"), head: headText("["), row: azRow, between: ",", tail: "\n]\n"},
	{name: "export-csv", folder: "export-csv", file: named(".csv"), head: exportHead, row: exportRow},
	{name: "kusto-v1", folder: "kusto-v1", file: named(".json"), head: kustoHead(`{"Tables":[{"TableName":"Table_0","Columns":[`, "DataType"), row: apiRow, between: ",", tail: "\n]}]}\n"},
	{name: "kusto-v2", folder: "kusto-v2", file: named(".json"), head: kustoHead(`[{"FrameType":"DataSetHeader","Version":"v2.0"},{"FrameType":"DataTable","TableKind":"PrimaryResult","TableName":"PrimaryResult","Columns":[`, "ColumnType"), row: apiRow, between: ",", tail: "\n]},{\"FrameType\":\"DataSetCompletion\"}]\n"},
	{name: "event-hub", folder: "event-hub", file: ofEntra(".json"), row: inside(diagnosticRecord, `{"records":[`, `]}`, nil)},
	{name: "event-hub-body", folder: "event-hub-body", file: ofEntra(".jsonl"), row: inside(inside(diagnosticRecord, `{"records":[`, `]}`, nil), `{"SequenceNumber":1,"Body":`, `}`, appendQuoted)},
	{name: "splunk", folder: "splunk", file: ofEntra(".json"), row: inside(diagnosticRecord, `{"preview":false,"result":{"sourcetype":"azure:monitor:aad","_raw":`, `}}`, appendQuoted)},
	{name: "splunk-csv", folder: "splunk-csv", file: ofEntra(".csv"), head: headText("\"_time\",\"_raw\"\n"), row: inside(diagnosticRecord, `"2026-03-21T00:00:00.000+0000",`, "", appendDoubled)},
	{name: "syslog", folder: "syslog", file: ofEntra(".log"), row: inside(diagnosticRecord, "<134>1 2026-03-21T00:00:00Z collector entra - - - ", "", nil)},
	{name: "elastic", folder: "elastic", file: ofEntra(".ndjson"), row: elasticDoc},
	{name: "elastic-hits", folder: "elastic-hits", file: ofEntra(".json"), head: headText(`{"took":5,"hits":{"hits":[`), row: inside(elasticDoc, `{"_id":"1","_source":`, "}", nil), between: ",", tail: "]}}\n"},
	{name: "graph-sdk", folder: "graph-sdk", file: graphFiles, head: headText("["), row: graphSDK, between: ",", tail: "\n]\n"},
	{name: "graph-flat", folder: "graph-flat", file: flatFiles, head: columnHead(flatColumns, "", "\n"), row: columnRow(flatColumns, "2006-01-02T15:04:05.0000000Z", "\n")},
	{name: "xdr", folder: "xdr", file: xdrFiles, head: columnHead(xdrColumns, "", "\r\n"), row: columnRow(xdrColumns, "2006-01-02T15:04:05.0000000Z", "\r\n")},
	{name: "purview", folder: "purview", file: purviewFile, head: headText("RecordId,CreationDate,RecordType,Operation,UserId,AuditData,AssociatedAdminUnits,AssociatedAdminUnitsNames\r\n"), row: purviewRow},
}

// Shapes are the names of the forms in which evidence can be written.
func Shapes() []string {
	var names []string
	for _, s := range shapes {
		names = append(names, s.name)
	}
	return names
}

// shapesOf are the shapes of some names, or the usual ones.
func shapesOf(names []string) ([]shape, error) {
	var out []shape
	for _, s := range shapes {
		if len(names) == 0 && s.usual {
			out = append(out, s)
		}
	}
next:
	for _, name := range names {
		for _, s := range shapes {
			if s.name == name {
				out = append(out, s)
				continue next
			}
		}
		return nil, fmt.Errorf("no shape is called %q: there are %s", name, strings.Join(Shapes(), ", "))
	}
	return out, nil
}

// Folder is the folder in which WriteTo writes the first of the shapes that are named, or of the usual ones.
func Folder(names []string) string {
	all, err := shapesOf(names)
	if err != nil || len(all) == 0 {
		return ""
	}
	return all[0].folder
}

// named are files with the tables' names.
func named(extension string) func(table) string {
	return func(t table) string { return tableNames[t] + extension }
}

// jsonLine renders a row as Log Analytics exports it: columns in the table's order, dynamic ones as nested JSON.
func jsonLine(b []byte, r *row) []byte {
	start := len(b)
	for i := range r.layout.columns {
		kind := r.layout.columns[i].Type
		cell := r.cell(i)
		if len(cell) == 0 && kind != schema.String {
			continue
		}
		b = append(b, r.layout.members[i]...)
		switch kind {
		case schema.String:
			b = r.appendQuoted(b, i)
		case schema.Datetime:
			b = append(append(append(b, '"'), cell...), '"')
		default:
			b = append(b, cell...)
		}
	}
	b[start] = '{'
	return append(b, "}\n"...)
}

// appendQuoted writes a JSON string. Our texts hold no control characters.
func appendQuoted(b, text []byte) []byte {
	b = append(b, '"')
	if len(text) == 0 || bytes.IndexByte(text, '"') < 0 && bytes.IndexByte(text, '\\') < 0 { // most texts
		return append(append(b, text...), '"')
	}
	written := 0
	for i, c := range text {
		if c == '"' || c == '\\' {
			b = append(append(b, text[written:i]...), '\\')
			written = i
		}
	}
	return append(append(b, text[written:]...), '"')
}

// portalHead and portalRow are the portal's export: a byte order mark, US dates, CRLF, doubled quotes.
func portalHead(b []byte, l *layout) []byte {
	b = append(b, "\ufeff"...)
	for i, c := range l.columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, c.Name...)
		if c.Type == schema.Datetime {
			b = append(b, " [UTC]"...)
		}
	}
	return append(b, "\r\n"...)
}

func portalRow(b []byte, r *row) []byte {
	for i := range r.layout.columns {
		if i > 0 {
			b = append(b, ',')
		}
		if cell := r.cell(i); r.layout.columns[i].Type == schema.Datetime && len(cell) > 0 {
			b = appendPortalTime(b, cell)
			continue
		}
		b = r.appendCell(b, i)
	}
	return append(b, "\r\n"...)
}

// appendPortalTime writes the time of a cell as the portal does: 3/21/2026, 9:30:00.000 AM.
func appendPortalTime(b, cell []byte) []byte {
	hour, half := int(cell[11]-'0')*10+int(cell[12]-'0'), ` AM"`
	if hour >= 12 {
		half = ` PM"`
	}
	b = append(append(b, '"'), bytes.TrimPrefix(cell[5:7], []byte("0"))...)
	b = append(append(b, '/'), bytes.TrimPrefix(cell[8:10], []byte("0"))...)
	b = append(append(append(b, '/'), cell[:4]...), ", "...)
	b = append(strconv.AppendInt(b, int64((hour+11)%12+1), 10), cell[13:23]...)
	return append(b, half...)
}

// appendCell writes a cell of a CSV. Our texts hold no line breaks.
func appendCell(b, cell []byte) []byte {
	if bytes.IndexByte(cell, '"') < 0 && bytes.IndexByte(cell, ',') < 0 {
		return append(b, cell...)
	}
	return appendDoubled(b, cell)
}

// rowTime reads back a time that a field has written.
func rowTime(cell []byte) time.Time {
	t, err := time.Parse("2006-01-02T15:04:05.0000000Z", string(cell))
	if err != nil {
		panic("simulate: a field wrote the time " + string(cell)) // the fields are ours
	}
	return t
}

// apiHead and apiRow are the answer of the query API: a table of cells, in which dynamic values are JSON texts.
func apiHead(b []byte, l *layout) []byte {
	b = append(b, `{"tables":[{"name":"PrimaryResult","columns":[`...)
	for i, c := range l.columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"name":%q,"type":%q}`, c.Name, c.Type)
	}
	return append(b, `],"rows":[`...)
}

func apiRow(b []byte, r *row) []byte {
	b = append(b, "\n["...)
	for i, c := range r.layout.columns {
		if i > 0 {
			b = append(b, ',')
		}
		cell := r.cell(i)
		switch {
		case len(cell) == 0 && c.Type != schema.String:
			b = append(b, "null"...)
		case c.Type == schema.String || c.Type == schema.Datetime || c.Type == schema.Dynamic:
			b = appendQuoted(b, cell)
		default:
			b = append(b, cell...)
		}
	}
	return append(b, ']')
}

// categories are the names of the tables in diagnostic settings. What is not of Entra is not exported by them.
var categories = [tableCount]string{"SignInLogs", "NonInteractiveUserSignInLogs", "ServicePrincipalSignInLogs", "AuditLogs", "UserRiskEvents", "MicrosoftGraphActivityLogs", ""}

// blobs are the files of a storage account.
func blobs(t table) string {
	if categories[t] == "" {
		return ""
	}
	return "insights-logs-" + strings.ToLower(categories[t]) + "/PT1H.json"
}

// envelope are the columns that a diagnostic record has outside of its properties, by their names there.
var envelope = map[string]string{
	"TimeGenerated": "time", "OperationName": "operationName", "OperationVersion": "operationVersion", "AADTenantId": "tenantId", "ResultType": "resultType", "ResultSignature": "resultSignature",
	"ResultDescription": "resultDescription", "DurationMs": "durationMs", "CorrelationId": "correlationId", "Identity": "identity", "Level": "level", "Location": "location", "ResourceId": "resourceId",
}

// inObject are the names of columns in the objects of Graph and in the properties of records, where they are not the
// column's own with a small letter. What is empty is not there.
var inObject = map[string]string{
	"LocationDetails": "location", "ResourceIdentity": "resourceId", "ConditionalAccessPolicies": "appliedConditionalAccessPolicies", "ProcessingTimeInMs": "processingTimeInMilliseconds",
	"RiskEventTypes_V2": "riskEventTypes_v2", "IPAddress": "ipAddress", "AADOperationType": "operationType", "AadTenantId": "tenantId", "SessionId": "sessionId",
	"TenantId": "", "SourceSystem": "", "Type": "", "Resource": "", "ResourceGroup": "", "ResourceProvider": "",
}

// appendObject writes the columns of a row as the members of an object, after what is written already.
func appendObject(b []byte, r *row, leave map[string]string) []byte {
	sep := ""
	for i, c := range r.layout.columns {
		name, special := inObject[c.Name]
		if _, left := leave[c.Name]; left && !ofBoth(r.layout.table.Name, c.Name) || special && name == "" {
			continue
		}
		if !special {
			name = strings.ToLower(c.Name[:1]) + c.Name[1:]
		}
		cell := r.cell(i)
		if len(cell) == 0 && c.Type != schema.String {
			continue
		}
		b = append(append(append(append(b, sep...), '"'), name...), `":`...)
		sep = ","
		b = appendNested(b, c, cell)
	}
	return b
}

// ofBoth reports whether a column of the envelope stands in the properties, too, and means what those say.
func ofBoth(table, column string) bool {
	return column == "Location" && table == tableNames[risks] || column == "DurationMs" && table == tableNames[graphCalls]
}

// appendNested writes a value as the services do: texts of JSON are JSON there, and numbers numbers.
func appendNested(b []byte, c schema.Column, cell []byte) []byte {
	nested := len(cell) > 0 && (cell[0] == '{' || cell[0] == '[') && c.Name != "AdditionalInfo" // it is a text everywhere
	if nested || c.Type != schema.String && c.Type != schema.Datetime && c.Type != schema.Dynamic || c.Name == "AutonomousSystemNumber" {
		return append(b, cell...)
	}
	return appendQuoted(b, cell)
}

// diagnosticRecord is a record of Azure Monitor's diagnostic settings.
func diagnosticRecord(b []byte, r *row) []byte {
	sep := byte('{')
	category := ""
	for t := range tableCount {
		if tableNames[t] == r.layout.table.Name {
			category = categories[t]
		}
	}
	b = append(append(append(b, sep), `"category":"`...), category...)
	b = append(b, '"')
	for i, c := range r.layout.columns {
		name := envelope[c.Name]
		cell := r.cell(i)
		if name == "" || len(cell) == 0 || cell[0] == '{' {
			continue
		}
		b = append(append(append(b, `,"`...), name...), `":`...)
		b = appendNested(b, c, cell)
	}
	b = append(b, `,"properties":{`...)
	return append(appendObject(b, r, envelope), "}}\n"...)
}

// graphFiles are what collectors save of Graph: sign-ins, audits and risk detections.
func graphFiles(t table) string {
	if t > risks {
		return ""
	}
	return [...]string{"InteractiveSignIns.json", "NonInteractiveSignIns.json", "ApplicationSignIns.json", "AuditLogs.json", "RiskDetections.json"}[t]
}

func graphHead(b []byte, _ *layout) []byte {
	return append(b, `{"@odata.context":"https://graph.microsoft.com/beta/$metadata#auditLogs","value":[`...)
}

// notInGraph are columns of which Graph's objects know nothing.
var notInGraph = map[string]string{
	"TimeGenerated": "", "OperationName": "", "OperationVersion": "", "ResultType": "", "ResultSignature": "", "ResultDescription": "", "DurationMs": "", "Identity": "", "Level": "", "Location": "", "ResourceId": "", "Category": "",
}

func graphObject(b []byte, r *row) []byte {
	b = append(b, "\n{"...)
	switch r.layout.table.Name {
	case tableNames[interactive]:
		b = append(b, `"signInEventTypes":["interactiveUser"],`...)
	case tableNames[principals]:
		b = append(b, `"signInEventTypes":["servicePrincipal"],"status":{"errorCode":0},`...)
	}
	return append(appendObject(b, r, notInGraph), '}')
}

// entraFiles are what the admin centre downloads: the sign-ins of users.
func entraFiles(t table) string {
	if t > silent {
		return ""
	}
	return [...]string{"InteractiveSignIns_2026.csv", "NonInteractiveSignIns_2026.csv"}[t]
}

var yesNo = map[string]string{"true": "TRUE", "false": "FALSE"}

// entraColumns are in the order of a download; two of the headers end in a blank, and one has two.
// https://learn.microsoft.com/entra/identity/monitoring-health/howto-download-logs
var entraColumns = []column{
	{header: "Date (UTC)", column: "CreatedDateTime"},
	{header: "Request ID", column: "Id"},
	{header: "User agent", column: "UserAgent"},
	{header: "Correlation ID", column: "CorrelationId"},
	{header: "User ID", column: "UserId"},
	{header: "User", column: "UserDisplayName"},
	{header: "Username", column: "UserPrincipalName"},
	{header: "User type", column: "UserType", words: map[string]string{"Member": "member", "Guest": "guest"}},
	{header: "Cross tenant access type", column: "CrossTenantAccessType"},
	{header: "Incoming token type", column: "IncomingTokenType"},
	{header: "Authentication Protocol", column: "AuthenticationProtocol"},
	{header: "Unique token identifier", column: "UniqueTokenIdentifier"},
	{header: "Original transfer method", column: "OriginalTransferMethod"},
	{header: "Client credential type", column: "ClientCredentialType"},
	{header: "Application", column: "AppDisplayName"},
	{header: "Application ID ", column: "AppId"},
	{header: "App owner tenant ID", column: "AppOwnerTenantId"},
	{header: "Resource", column: "ResourceDisplayName"},
	{header: "Resource ID ", column: "ResourceIdentity"},
	{header: "Resource tenant ID", column: "ResourceTenantId"},
	{header: "Resource owner tenant ID", column: "ResourceOwnerTenantId"},
	{header: "Home tenant ID", column: "HomeTenantId"},
	{header: "Home tenant name", column: "HomeTenantName"},
	{header: "IP address", column: "IPAddress"},
	{header: "Location", column: "LocationDetails", member: cityStateCountry},
	{header: "Status", column: "ResultSignature", words: map[string]string{"SUCCESS": "Success", "FAILURE": "Failure"}},
	{header: "Sign-in error code", column: "ResultType"},
	{header: "Failure reason", column: "ResultDescription"},
	{header: "Client app", column: "ClientAppUsed"},
	{header: "Device ID", column: "DeviceDetail", member: "deviceId"},
	{header: "Browser", column: "DeviceDetail", member: "browser"},
	{header: "Operating System", column: "DeviceDetail", member: "operatingSystem"},
	{header: "Compliant", column: "DeviceDetail", member: "isCompliant", words: yesNo},
	{header: "Managed", column: "DeviceDetail", member: "isManaged", words: yesNo},
	{header: "Join Type", column: "DeviceDetail", member: "trustType"},
	{header: "Authentication requirement", column: "AuthenticationRequirement", words: map[string]string{"singleFactorAuthentication": "Single-factor authentication", "multiFactorAuthentication": "Multifactor authentication"}},
	{header: "Sign-in identifier", column: "SignInIdentifier"},
	{header: "Session ID", column: "SessionId"},
	{header: "Autonomous system  number", column: "AutonomousSystemNumber"},
	{header: "Token issuer type", column: "TokenIssuerType", words: map[string]string{"AzureAD": "Microsoft Entra ID"}},
	{header: "Conditional Access", column: "ConditionalAccessStatus", words: map[string]string{"success": "Success", "failure": "Failure", "notApplied": "Not Applied"}},
}
