package view_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/view"
)

// signIn is a sign-in as Log Analytics exports it.
func signIn(table string, n int, user, more string) string {
	return fmt.Sprintf(`{"Type":%q,"TimeGenerated":"2026-03-%02dT10:00:00Z","Id":"%s-%d","UserId":%q,"UserPrincipalName":"%s@example.com","AppId":"a1","IPAddress":"192.0.2.1"%s}`+"\n", table, 1+n%28, table, n, user, user, more)
}

// page is a page of the Graph API, with what stands behind its records.
func page(more string) string {
	return `{"value":[{"id":"i1","createdDateTime":"2026-03-20T10:00:00Z","appId":"a1","userPrincipalName":"ann@example.com","ipAddress":"192.0.2.1"}]` + more + `}`
}

// answer is one of the query API, with what stands behind its tables.
func answer(more string) string {
	return `{"tables":[{"name":"PrimaryResult","columns":[{"name":"TimeGenerated","type":"datetime"},{"name":"Type","type":"string"}],"rows":[["2026-03-20T10:00:00Z","SigninLogs"]]}]` + more + `}`
}

const quiet, own = "AADNonInteractiveUserSignInLogs", "SigninLogs"

// loaded is a case of files, by their names.
func loaded(t *testing.T, files map[string]string) *casefile.Case {
	t.Helper()
	dir := t.TempDir()
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cf, err := casefile.Open(t.Context(), casefile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cf.Close() })
	if _, err := cf.Load(t.Context(), []string{dir}); err != nil {
		t.Fatal(err)
	}
	return cf
}

// fittedWith are the warnings of what the laboratory's evidence always has, on which the weights were fitted.
var fittedWith = []string{
	"no_sign_ins", "results_missing", "only_interactive", "no_interactive", "short", "session_ids_missing", "user_agents_missing", "devices_missing",
	"providers_missing", "ids_missing",
}

// TestWarnings: what is missing is said, first what matters most, and what is there is not complained of.
func TestWarnings(t *testing.T) {
	session := `,"SessionId":"s1"`
	many := func(table string, n int, user, more string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(signIn(table, i, user, more))
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		files map[string]string
		first string   // the code of the first warning
		with  []string // codes that must be there
		none  []string // codes that must not
	}{
		"only interactive": {
			map[string]string{"a.jsonl": many(own, 20, "ann", session)}, "only_interactive", nil, []string{"no_interactive", "no_sign_ins", "row_limit"},
		},
		"audit log of Office only": {
			map[string]string{"ual.csv": "RecordId,CreationDate,RecordType,Operation,UserId,AuditData\n1,2026-03-20T10:00:00Z,50,MailItemsAccessed,ann,\"{\"\"CreationTime\"\":\"\"2026-03-20T10:00:00\"\",\"\"Id\"\":\"\"1\"\",\"\"Operation\"\":\"\"MailItemsAccessed\"\",\"\"Workload\"\":\"\"Exchange\"\",\"\"UserId\"\":\"\"ann\"\"}\"\n"},
			"no_sign_ins", nil,
			[]string{"only_interactive"},
		},
		"sessions": {
			map[string]string{"a.jsonl": many(own, 5, "ann", session) + many(quiet, 60, "ann", "")}, "", []string{"session_ids_missing"}, []string{"only_interactive", "users_without_non_interactive"},
		},
		"without the way in": {
			map[string]string{"a.jsonl": many(own, 5, "ann", session) + many(quiet, 60, "ann", session)}, "", []string{"device_codes_unseen"}, nil,
		},
		"with the way in": {
			map[string]string{"a.jsonl": many(own, 5, "ann", session) + many(quiet, 60, "ann", `,"OriginalTransferMethod":"none"`)}, "", nil, []string{"device_codes_unseen"},
		},
		"some users": {
			map[string]string{"a.jsonl": many(own, 5, "ann", session) + strings.ReplaceAll(many(own, 5, "bob", session), `"Id":"`, `"Id":"b`), "b.jsonl": many(quiet, 60, "ann", session)},
			"",
			[]string{"users_without_non_interactive"},
			[]string{"session_ids_missing"},
		},
		"a limit": {
			map[string]string{"a.jsonl": many(quiet, 10_000, "ann", session)}, "no_interactive", []string{"row_limit"}, nil,
		},
		"one less than a limit": {
			map[string]string{"a.jsonl": many(quiet, 9_999, "ann", session)}, "", nil, []string{"row_limit"},
		},
		"grouped": {
			map[string]string{"NonInteractiveSignIns.csv": "Date (UTC),# sign-ins,Username,Application\n2026-03-20T10:00:00Z,14,ann@example.com,Azure CLI\n"}, "no_sign_ins", []string{"aggregated"}, nil,
		},
		"without times": {
			map[string]string{"a.csv": "SourceSystem,ResultType,Id,UserPrincipalName,Type\nAzure AD,0,i1,ann@example.com,SigninLogs\n"}, "", []string{"times_missing"}, nil,
		},
		"set aside": {
			map[string]string{"a.jsonl": many(own, 3, "ann", session) + "{\"Type\":\n"}, "", []string{"rows_rejected"}, nil,
		},
		"cut in the middle": {
			map[string]string{"a.jsonl": many(own, 3, "ann", session) + "{\"Type\":"}, "truncated_file", nil, []string{"rows_rejected"},
		},
		"cut in the middle, and something set aside": {
			map[string]string{"a.jsonl": many(own, 3, "ann", session) + "{\"Type\":\n{\"Type\":"}, "truncated_file", []string{"rows_rejected"}, nil,
		},
		"older than hunts look back": {
			map[string]string{"a.jsonl": many(own, 3, "ann", session), "old.jsonl": strings.ReplaceAll(signIn(quiet, 2, "ann", session), "2026-03-", "2025-12-")}, "", []string{"older_than_hunts"}, nil,
		},
		"as old as hunts look back": {
			map[string]string{"a.jsonl": many(own, 3, "ann", session), "old.jsonl": strings.ReplaceAll(signIn(quiet, 3, "ann", session), "2026-03-", "2025-12-")}, "", nil, []string{"older_than_hunts"},
		},
		"people without ids": {
			map[string]string{"a.jsonl": strings.ReplaceAll(signIn(quiet, 1, "ann", session)+signIn(quiet, 2, "bob", session)+signIn(quiet, 3, "cy", session), `"UserId"`, `"X"`)}, "no_interactive", nil, []string{"few_users"},
		},
		"a page that another one follows": {
			map[string]string{"page.json": page(`,"@odata.nextLink":"https://graph.microsoft.com/beta/auditLogs/signIns?$skiptoken=a"`)}, "", []string{"further_pages"}, nil,
		},
		"the link before the records": {
			map[string]string{"page.json": `{"@odata.nextLink":"https://graph.microsoft.com/beta/auditLogs/signIns?$skiptoken=a",` + page("")[1:]}, "", []string{"further_pages"}, nil,
		},
		"pages in one file, the last of them last": {
			map[string]string{"pages.json": page(`,"@odata.nextLink":"https://graph.microsoft.com/beta/auditLogs/signIns?$skiptoken=a"`) + "\n" + page(`,"@odata.nextLink":null`)}, "", nil, []string{"further_pages"},
		},
		"pages in files, with the last one": {
			map[string]string{"1.json": page(`,"@odata.nextLink":"https://graph.microsoft.com/beta/auditLogs/signIns?$skiptoken=a"`), "2.json": page("")}, "", nil, []string{"further_pages", "partial_result"},
		},
		// https://learn.microsoft.com/azure/azure-monitor/logs/api/errors#partial-errors
		"a part of a result": {
			map[string]string{"r.json": answer(`,"error":{"code":"PartialError","message":"There were some errors when processing your query."}`)}, "", []string{"partial_result"}, nil,
		},
		"a whole result": {
			map[string]string{"r.json": answer(`,"error":null`)}, "", nil, []string{"partial_result"},
		},
		// https://learn.microsoft.com/kusto/api/rest/response-v2
		"a part of a result of Kusto": {
			map[string]string{"r.json": `[{"FrameType":"DataTable","TableKind":"PrimaryResult","Columns":[{"ColumnName":"TimeGenerated"},{"ColumnName":"Type"}],"Rows":[["2026-03-20T10:00:00Z","SigninLogs"]]},{"FrameType":"DataSetCompletion","HasErrors":true,"Cancelled":false,"OneApiErrors":[{"error":{"code":"LimitsExceeded"}}]}]`}, "", []string{"partial_result"}, nil,
		},
		"results that PowerShell wrote as the name of a type": {
			map[string]string{"a.jsonl": many(own, 5, "ann", `,"ResultType":"0"`) + many(quiet, 60, "ann", "")}, "", []string{"results_missing"}, nil,
		},
		"results": {
			map[string]string{"a.jsonl": many(own, 5, "ann", `,"ResultType":"0"`) + many(quiet, 60, "ann", `,"ResultType":"50126"`)}, "", nil, []string{"results_missing"},
		},
		"not read": {
			map[string]string{"a.jsonl": many(own, 3, "ann", session), "b.bin": "no log at all"}, "", []string{"not_read"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			cf := loaded(t, c.files)
			if anchor, ok, err := cf.Latest(t.Context()); err != nil {
				t.Fatal(err)
			} else if ok {
				cf.SetAsOf(anchor.Time, anchor.Source)
			}
			rows, err := view.Ask(t.Context(), cf, "coverage.warnings", view.Filter{})
			if err != nil {
				t.Fatal(err)
			}
			var codes []string
			for _, row := range rows.Rows {
				codes = append(codes, fmt.Sprint(row[0]))
				if want := slices.Contains(fittedWith, codes[len(codes)-1]); (row[3] == int64(1)) != want {
					t.Errorf("%s: Partial is %v, want %v", row[0], row[3], want)
				}
			}
			if c.first != "" && (len(codes) == 0 || codes[0] != c.first) {
				t.Errorf("the first of %q is not %s", codes, c.first)
			}
			for _, code := range c.with {
				if !slices.Contains(codes, code) {
					t.Errorf("%q lacks %s", codes, code)
				}
			}
			for _, code := range c.none {
				if slices.Contains(codes, code) {
					t.Errorf("%q has %s", codes, code)
				}
			}
		})
	}
}
