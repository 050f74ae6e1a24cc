package casefile

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/tables"
)

// TestViews asks for sign-ins by the names of Defender XDR; the values are those that its pages give the words of Entra.
// https://learn.microsoft.com/defender-xdr/advanced-hunting-entraidsigninevents-table
func TestViews(t *testing.T) {
	c := caseWith(t, "rows.jsonl", `{"Type":"SigninLogs","CreatedDateTime":"2026-03-20T10:00:00Z","TimeGenerated":"2026-03-20T10:02:00Z","Id":"i1","ResultType":"50126","AppId":"a1","RiskState":"atRisk","RiskLevelAggregated":"high","ConditionalAccessStatus":"notApplied","DeviceDetail":{"deviceId":"d1","trustType":"Hybrid Azure AD joined","isManaged":true},"LocationDetails":{"city":"Oslo"}}
{"Type":"AADNonInteractiveUserSignInLogs","CreatedDateTime":"2026-03-20T11:00:00Z","Id":"i2","ResultType":"0","DeviceDetail":"{\"deviceId\":\"\",\"isManaged\":false}","SessionId":"s1","EndpointCall":"OAuth2:Token","GatewayJA4":"t13d"}
`)
	for query, want := range map[string]string{
		"EntraIdSignInEvents | sort by RequestId asc | project RequestId, LogonType, ErrorCode, RiskState, RiskLevelAggregated, ConditionalAccessStatus, EntraIdDeviceId, DeviceTrustType, IsManaged, IsCompliant, City": `[i1 ["interactiveUser"] 50126 4 100 2 d1 ServerAd 1 -1 Oslo] [i2 ["nonInteractiveUser"] 0 <nil> <nil> <nil>   0 -1 ]`,
		"AADSignInEventsBeta | where LogonType has 'nonInteractiveUser' | project RequestId, AadDeviceId, SessionId, ErrorCode":                                                                                          "[i2  s1 0]",
		// What Log Analytics has no column for is there where the evidence came from Defender XDR.
		"EntraIdSignInEvents | sort by RequestId asc | project RequestId, EndpointCall, GatewayJA4":                       "[i1  ] [i2 OAuth2:Token t13d]",
		"AADSignInEventsBeta | sort by RequestId asc | project RequestId, EndpointCall":                                   "[i1 ] [i2 OAuth2:Token]",
		"union withsource=T * | where isnotempty(T) and T !in ('EvidenceFiles') | summarize count() by T | sort by T asc": "[AADNonInteractiveUserSignInLogs 1] [SigninLogs 1]",
	} {
		if got := rowsOf(t, c, query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// TestUnifiedAuditSignIns asks for the sign-ins of the unified audit log. The records are written after the schema of the
// secure token service's sign-ins: a key may be a PUID, the request is IntraSystemId, and lists may be empty or missing.
// https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema#azure-active-directory-secure-token-service-sts-logon-schema
func TestUnifiedAuditSignIns(t *testing.T) {
	c := caseWith(t, "audit.jsonl", `{"CreationTime":"2026-03-20T10:00:00","Id":"o1","Operation":"UserLoggedIn","OrganizationId":"t1","RecordType":15,"Workload":"AzureActiveDirectory","ClientIP":"203.0.113.9","UserId":"Ann@example.com","UserKey":"1003200011112222@example.com","UserType":0,"Actor":[{"ID":"1003200011112222","Type":3},{"ID":"5e0c4a1b-7d2f-4c3e-9b8a-1f2e3d4c5b6a","Type":0},{"ID":"Ann@example.com","Type":5}],"ActorContextId":"t1","TargetContextId":"t2","InterSystemsId":"c1","IntraSystemId":"i1","ApplicationId":"a1","Target":[{"ID":"r1","Type":0}],"ErrorNumber":"50140","ExtendedProperties":[{"Name":"ResultStatusDetail","Value":"Redirect"},{"Name":"UserAgent","Value":"Mozilla/5.0"},{"Name":"RequestType","Value":"OAuth2:Authorize"},{"Name":"KeepMeSignedIn","Value":"True"}],"DeviceProperties":[{"Name":"Id","Value":"d1"},{"Name":"OS","Value":"Windows 10"},{"Name":"BrowserType","Value":"Edge"},{"Name":"IsCompliantAndManaged","Value":"True"},{"Name":"SessionId","Value":"s1"}]}
{"CreationTime":"2026-03-20T11:00:00","Id":"o2","Operation":"UserLoginFailed","OrganizationId":"t1","RecordType":15,"Workload":"AzureActiveDirectory","ActorIpAddress":"203.0.113.10","UserId":"ben@example.com","UserKey":"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0","IntraSystemId":"i2","ExtendedProperties":[],"LogonError":"InvalidUserNameOrPassword"}
{"CreationTime":"2026-03-20T12:00:00","Id":"o3","Operation":"UserLoggedIn","OrganizationId":"t1","RecordType":15,"Workload":"AzureActiveDirectory","ClientIP":"203.0.113.11","UserId":"cay@example.com","DeviceProperties":"none"}
{"CreationTime":"2026-03-20T13:00:00","Id":"o4","Operation":"MailItemsAccessed","RecordType":50,"Workload":"Exchange","ClientIPAddress":"203.0.113.12","UserId":"ann@example.com"}
`)
	elastic := caseWith(t, "elastic.ndjson", `{"@timestamp":"2026-03-20T10:00:00.000Z","client":{"ip":"203.0.113.9"},"event":{"action":"UserLoginFailed","id":"o1"},"o365":{"audit":{"CreationTime":"2026-03-20T10:00:00","ErrorNumber":"50126","ExtendedProperties":{"RequestType":"OAuth2:Token"},"DeviceProperties":[{"Name":"OS","Value":"Windows10"},{"Name":"SessionId","Value":"s1"}],"IntraSystemId":"i1","UserId":"ann@example.com","Workload":"AzureActiveDirectory"}}}
`)
	query, want := "UnifiedAuditSignIns | project Id, IPAddress, ResultType, RequestType, SessionId, tostring(DeviceDetail.operatingSystem)", "[i1 203.0.113.9 50126 OAuth2:Token s1 Windows10]"
	if got := rowsOf(t, elastic, query); got != want {
		t.Errorf("%s: %s, want %s", query, got, want)
	}
	for query, want := range map[string]string{
		"UnifiedAuditSignIns | sort by OfficeId asc | project OfficeId, Id, ResultType, ResultDescription, IPAddress, UserId, UserPrincipalName, DerivedFrom": "[o1 i1 50140 Redirect 203.0.113.9 5e0c4a1b-7d2f-4c3e-9b8a-1f2e3d4c5b6a ann@example.com UnifiedAuditLog] " +
			"[o2 i2  InvalidUserNameOrPassword 203.0.113.10 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0 ben@example.com UnifiedAuditLog] [o3  0  203.0.113.11  cay@example.com UnifiedAuditLog]",
		"UnifiedAuditSignIns | where OfficeId == 'o1' | project tostring(CreatedDateTime), CorrelationId, AppId, ResourceIdentity, HomeTenantId, ResourceTenantId, UserAgent, RequestType, KeepMeSignedIn, SessionId": "[2026-03-20T10:00:00.0000000Z c1 a1 r1 t1 t2 Mozilla/5.0 OAuth2:Authorize True s1]",
		"UnifiedAuditSignIns | sort by OfficeId asc | project tostring(DeviceDetail.deviceId), tostring(DeviceDetail.operatingSystem), tostring(DeviceDetail.browser), tobool(DeviceDetail.isCompliantAndManaged)":    "[d1 Windows 10 Edge true] [   <nil>] [   <nil>]",
		"SigninLogs | count": "[0]",
	} {
		if got := rowsOf(t, c, query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// caseWith is a case of one file.
func caseWith(t *testing.T, name, text string) *Case {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, Options{})
	ingest(t, c, path)
	return c
}

// rowsOf is a query's rows as text.
func rowsOf(t *testing.T, c *Case, query string) string {
	rows, err := c.Query(t.Context(), kql.Request{Source: &diag.Source{Name: "query", Text: query}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows.Rows {
		got = append(got, fmt.Sprint(row))
	}
	return strings.Join(got, " ")
}

// TestViewsHaveTheColumns compares the views with the columns that Microsoft documents.
func TestViewsHaveTheColumns(t *testing.T) {
	c, err := Open(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	files, err := fs.Glob(tables.Views, "views/*.kql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	later := map[string][]string{"AADSignInEventsBeta": {"EndpointCall"}} // its page of March 2025 has it, the shared schema is older
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".kql")
		if name == "UnifiedAuditSignIns" {
			continue // a name of ours
		}
		data, err := os.ReadFile("../../../shared/evidence/schemas/" + name + ".json")
		if err != nil {
			t.Skip("the shared schemas are not here: ", err)
		}
		var schema struct {
			Columns []struct{ Name, Type string }
		}
		if err := json.Unmarshal(data, &schema); err != nil {
			t.Fatal(err)
		}
		for _, column := range later[name] {
			schema.Columns = append(schema.Columns, struct{ Name, Type string }{column, "string"})
		}
		table, err := c.makeView(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, col := range schema.Columns {
			if have, ok := table.Column(col.Name); !ok || fmt.Sprint(have.Type) != col.Type {
				t.Errorf("%s.%s is %v, want %s", name, col.Name, have, col.Type)
			}
		}
		if len(table.Columns) != len(schema.Columns) {
			t.Errorf("%s has %d columns, want %d", name, len(table.Columns), len(schema.Columns))
		}
	}
}
