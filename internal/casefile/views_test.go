package casefile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
)

// TestViews asks for sign-ins by the names of Defender XDR; the values are those that its pages give the words of Entra.
// https://learn.microsoft.com/defender-xdr/advanced-hunting-entraidsigninevents-table
func TestViews(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(path, []byte(`{"Type":"SigninLogs","CreatedDateTime":"2026-03-20T10:00:00Z","TimeGenerated":"2026-03-20T10:02:00Z","Id":"i1","ResultType":"50126","AppId":"a1","RiskState":"atRisk","RiskLevelAggregated":"high","ConditionalAccessStatus":"notApplied","DeviceDetail":{"deviceId":"d1","trustType":"Hybrid Azure AD joined","isManaged":true},"LocationDetails":{"city":"Oslo"}}
{"Type":"AADNonInteractiveUserSignInLogs","CreatedDateTime":"2026-03-20T11:00:00Z","Id":"i2","ResultType":"0","DeviceDetail":"{\"deviceId\":\"\",\"isManaged\":false}","SessionId":"s1"}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Load(t.Context(), []string{path}); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"EntraIdSignInEvents | sort by RequestId asc | project RequestId, LogonType, ErrorCode, RiskState, RiskLevelAggregated, ConditionalAccessStatus, EntraIdDeviceId, DeviceTrustType, IsManaged, IsCompliant, City": `[i1 ["interactiveUser"] 50126 4 100 2 d1 ServerAd 1 -1 Oslo] [i2 ["nonInteractiveUser"] 0 <nil> <nil> <nil>   0 -1 ]`,
		"AADSignInEventsBeta | where LogonType has 'nonInteractiveUser' | project RequestId, AadDeviceId, SessionId, ErrorCode":                                                                                          "[i2  s1 0]",
		"union withsource=T * | where isnotempty(T) and T !in ('EvidenceFiles') | summarize count() by T | sort by T asc":                                                                                                "[AADNonInteractiveUserSignInLogs 1] [SigninLogs 1]",
	} {
		rows, err := c.Query(t.Context(), kql.Request{Source: &diag.Source{Name: "query", Text: query}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range rows.Rows {
			got = append(got, fmt.Sprint(row))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", query, strings.Join(got, " "), want)
		}
	}
}

// TestViewsHaveTheColumns compares the views with the columns that Microsoft documents.
func TestViewsHaveTheColumns(t *testing.T) {
	c, err := Open(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	names, err := viewNames()
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
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
		table, _ := c.Table(name)
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
