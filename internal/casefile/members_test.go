package casefile

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// documents are JSON columns as exports have them and as nobody wants them: members that are missing, null, of other
// types or deep, other letters of case, twice; documents that are no objects, or no JSON at all.
var documents = []string{
	`{}`, ``, `null`, `""`, `5`, `true`, `[]`, `[{"browser":"in an array"}]`, `"text"`, `no JSON`, `{"browser":"cut`, `{"browser":"x",}`,
	`"{\"browser\":\"JSON in a string\",\"errorCode\":7}"`, ` { "browser" : "blanks around" } `,
	`{"browser":"a","browser":"b"}`, `{"Browser":"other case","BROWSER":"x"}`, `{"browser.name":"dot"}`,
	`{"browser":null,"isManaged":null,"errorCode":null}`, `{"browser":"","isManaged":"","errorCode":""}`,
	`{"browser":"null","isManaged":"null","errorCode":"null"}`,
	`{"browser":"Edge 133.0.0","isManaged":true,"errorCode":50126,"city":"London"}`,
	`{"browser":"Zo\u00eb \ud83d\ude00 \" \\ \/ \n","isManaged":"True","errorCode":"50126","city":"Zürich"}`,
	`{"browser":5,"isManaged":1,"errorCode":5.0}`, `{"browser":-0,"isManaged":0,"errorCode":-5}`,
	`{"browser":1.50,"isManaged":"1","errorCode":5.7}`, `{"browser":1e3,"isManaged":"0","errorCode":1e3}`,
	`{"browser":12345678901234567890,"isManaged":2,"errorCode":12345678901234567890}`,
	`{"browser":0.1000000000000000055,"isManaged":0.5,"errorCode":123456789012345678901234567890}`,
	`{"browser":true,"isManaged":"no","errorCode":true}`, `{"browser":false,"isManaged":false,"errorCode":false}`,
	`{"browser":{"name":"Edge", "v":[1,2]},"isManaged":{"a":1},"errorCode":{"code":1}}`,
	`{"browser":["a", 1, null],"isManaged":[true],"errorCode":[1]}`,
	`{"browser":"x","isManaged":" true ","errorCode":" 12 "}`, `{"browser":"0","isManaged":"TRUE","errorCode":"+5"}`,
	`{"browser":"true","isManaged":"false","errorCode":"0x1F"}`, `{"browser":"2026-03-01","isManaged":"yes","errorCode":"5.0"}`,
	`{"browser":"x","errorCode":9223372036854775807}`, `{"browser":"x","errorCode":2147483648}`, `{"browser":"x","errorCode":-9223372036854775808}`,
}

// writeDocuments writes rows of both sign-in tables that hold each document in each JSON column, some rows twice.
func writeDocuments(t *testing.T) string {
	t.Helper()
	var lines strings.Builder
	for i, doc := range documents {
		for copies := range 1 + i%2 {
			for _, table := range []string{"SigninLogs", "AADNonInteractiveUserSignInLogs"} {
				row := map[string]any{
					"Type": table, "Id": fmt.Sprintf("id-%d", i), "UserId": fmt.Sprintf("u%d", i), "ResultType": "0", "IPAddress": "192.0.2.1",
					"TimeGenerated": fmt.Sprintf("2026-03-20T10:0%d:00Z", copies), "CreatedDateTime": "2026-03-20T09:00:00Z",
				}
				for _, column := range []string{"DeviceDetail", "LocationDetails", "Status"} {
					row[column] = doc
					if json.Valid([]byte(doc)) && copies == 0 && !strings.Contains(doc, `"browser":"a"`) { // a key that stands twice is rejected where it is no text
						row[column] = json.RawMessage(doc)
					}
				}
				text, err := json.Marshal(row)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&lines, "%s\n", text)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// memberless is a case whose tables say nothing of stored members: its queries find them in the documents.
type memberless struct{ *session }

func (p memberless) Table(name string) (*schema.Table, bool) {
	t, ok := p.session.Table(name)
	if ok {
		bare := *t
		bare.Members = nil
		t = &bare
	}
	return t, ok
}

// askBoth answers a query with the stored members and without, "refused" where a document holds a number with a fraction
// that an integer stands beside. read says whether the first read one of them.
func askBoth(t *testing.T, c *Case, text string) (stored, computed string, read bool) {
	t.Helper()
	answer := func(catalog kql.Catalog) (string, *kql.Compiled) {
		compiled, err := kql.Compile(request(text), catalog, schema.UnixEpoch)
		if err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
		rows, err := c.run(t.Context(), compiled)
		if err != nil {
			if strings.Contains(err.Error(), "a dynamic number with a fraction beside an integer") {
				return "refused", compiled
			}
			t.Fatalf("%s\n%s\n%v", text, compiled.SQL(), err)
		}
		return rowsText(compiled.Columns, rows), compiled
	}
	s := &session{Case: c, ctx: t.Context()}
	stored, compiled := answer(s)
	computed, without := answer(memberless{s})
	if strings.Contains(without.Plan(), "stored members") {
		t.Fatalf("the members of a table that has none are read:\n%s", without.Plan())
	}
	return stored, computed, strings.Contains(compiled.Plan(), "stored members")
}

// TestMembers: whatever a document is, a stored member says what the document says, in every way to ask for it.
func TestMembers(t *testing.T) {
	c := open(t, Options{})
	if r := ingest(t, c, writeDocuments(t))[0]; r.RowsLoaded != int64(2*len(documents)) {
		t.Fatalf("of %d documents in two tables there are %+v", len(documents), r)
	}
	const besideFive = "%[1]s | where %[2]s.%[4]s == 5 | project Id" // an errorCode is 5.7
	ways := []string{
		besideFive,
		"%[1]s | project Id, x = tostring(%[2]s.%[4]s)",
		"%[1]s | project Id, x = tobool(%[2]s.%[4]s)",
		"%[1]s | project Id, x = toint(%[2]s.%[4]s), y = tolong(%[2]s['%[4]s'])",
		"%[1]s | where %[2]s.%[4]s has 'edge' or %[2]s.%[4]s == 'null' or %[2]s.%[4]s == true | project Id",
		"%[1]s | where iff(tostring(%[2]s.%[4]s) == '5.7', false, %[2]s.%[4]s == 5) | project Id",
		"%[1]s | extend d = %[2]s | project Id, d | where isnotempty(tostring(d.%[4]s)) | project Id, x = tolower(tostring(d.%[4]s)), y = toint(d.%[4]s)",
		"%[1]s | extend x = %[2]s.%[4]s | project-rename y = x | project Id, z = tostring(y), b = tobool(y)",
		"%[1]s | project-rename Doc = %[3]s | project Id, x = tostring(%[5]s.%[4]s)",
		"let T = %[1]s | where Id != 'id-3'; T | summarize count() by x = tostring(%[2]s.%[4]s) | join kind=inner (T | project Id, %[3]s, x = tostring(%[2]s.%[4]s)) on x | project Id, x, count_",
		"%[1]s | project Id, %[3]s | join kind=leftouter (%[1]s | where Id has '1') on Id | project Id, x = tostring(%[6]s.%[4]s), y = toint(%[2]s.%[4]s)",
		"%[1]s | project Id, %[3]s | join kind=rightanti (%[1]s | where Id has '1') on Id | project Id, x = tostring(%[2]s.%[4]s)",
		"%[1]s | where Id has '1' | join kind=fullouter (%[1]s | where Id has '2') on Id | project Id, Id1, x = tostring(%[2]s.%[4]s), y = tostring(%[6]s.%[4]s)",
		"%[1]s | project Id, %[3]s | mv-expand n = dynamic([1, 2]) | project Id, x = tostring(%[2]s.%[4]s)",
		"union (%[1]s | where Id has '1'), (%[1]s | where Id has '2' | project Id, %[3]s), (print Id = 'none') | project Id, x = tostring(%[2]s.%[4]s), y = tolong(%[2]s.%[4]s)",
		"%[1]s | where Id in ((%[1]s | where tostring(%[2]s.%[4]s) != '' | project Id)) | sort by Id asc | extend before = prev(Id) | where tostring(%[2]s.%[4]s) != before | project Id",
		"let n = toscalar(%[1]s | summarize countif(tostring(%[2]s.%[4]s) == '')); print n",
		"%[1]s | top 5 by Id asc | project Id, x = tostring(%[2]s.%[4]s) | distinct x",
	}
	for table, parse := range map[string]string{"SigninLogs": "%s", "AADNonInteractiveUserSignInLogs": "parse_json(%s)"} {
		stored, _ := c.Table(table)
		for _, m := range stored.Members {
			for _, key := range m.Keys {
				for _, way := range ways {
					text := fmt.Sprintf(way, table, fmt.Sprintf(parse, m.Column), m.Column, key, fmt.Sprintf(parse, "Doc"), fmt.Sprintf(parse, m.Column+"1"))
					got, want, read := askBoth(t, c, text)
					if got != want {
						t.Errorf("%s\nthe stored members say\n%s\nthe documents\n%s", text, got, want)
					}
					if (got == "refused") != (way == besideFive && key == "errorCode") {
						t.Errorf("%s\nsays %s", text, got)
					}
					if !read {
						t.Errorf("%s\nreads no stored member", text)
					}
				}
			}
		}
	}
}

// TestMembersElsewhere: what is not the table's own row reads the document.
func TestMembersElsewhere(t *testing.T) {
	c := open(t, Options{})
	ingest(t, c, writeDocuments(t))
	for _, text := range []string{
		"SigninLogs | project Id, x = DeviceDetail.browser",
		"SigninLogs | project Id, x = tostring(DeviceDetail.browser.name), y = tostring(DeviceDetail.Browser)",
		"SigninLogs | project Id, x = tostring(parse_json(tostring(DeviceDetail)).browser)",
		"SigninLogs | project Id, x = tostring(DeviceDetail.browser) has 'x', y = toreal(Status.errorCode), z = todatetime(DeviceDetail.browser)",
		"materialize(SigninLogs | project Id, DeviceDetail) | project Id, x = tostring(DeviceDetail.browser)",
		"SigninLogs | extend DeviceDetail = Status | project Id, x = tostring(DeviceDetail.browser)",
		"AADNonInteractiveUserSignInLogs | extend DeviceDetail = strcat(DeviceDetail, '') | project Id, x = tostring(parse_json(DeviceDetail).browser)",
		"AADNonInteractiveUserSignInLogs | distinct DeviceDetail | project x = tostring(parse_json(DeviceDetail).browser)",
		"union SigninLogs, AADNonInteractiveUserSignInLogs | project Id, x = tostring(DeviceDetail_dynamic.browser), y = tostring(parse_json(DeviceDetail_string).browser)",
		"SigninLogs | summarize arg_max(Id, *) by UserId | project Id, x = tostring(DeviceDetail.browser)",
	} {
		if got, want, _ := askBoth(t, c, text); got != want {
			t.Errorf("%s\nthe stored members say\n%s\nthe documents\n%s", text, got, want)
		}
	}
}

// TestMembersOfCopies: the members are those of the row that was folded of its copies, and a case that was made before
// they were stored gets them.
func TestMembersOfCopies(t *testing.T) {
	const text = "union (SigninLogs | project Id, x = tostring(DeviceDetail.deviceId)), (AADNonInteractiveUserSignInLogs | project Id, x = tostring(parse_json(DeviceDetail).deviceId))"
	dir := t.TempDir()
	c := open(t, Options{Dir: dir})
	for _, part := range writeParts(t, t.TempDir(), emissions(rand.New(rand.NewPCG(4, 4)), 60), 3) {
		ingest(t, c, part)
		if got, want, read := askBoth(t, c, text); got != want || !read {
			t.Errorf("the stored members say\n%s\nthe documents\n%s", got, want)
		}
	}
	change(t, c, `ALTER TABLE SigninLogs DROP COLUMN "DeviceDetail.deviceId"`)
	c = open(t, Options{Dir: dir, ReadOnly: true})
	if got, want, _ := askBoth(t, c, text); got != want {
		t.Errorf("brought up to date, the stored members say\n%s\nthe documents\n%s", got, want)
	}
}

// TestMembersStay: nothing may change a document behind the back of its members.
func TestMembersStay(t *testing.T) {
	c := open(t, Options{})
	for _, from := range c.canonical() {
		for _, name := range from.Intake.Fills.Tables {
			to, _ := c.Table(name)
			for _, m := range to.Members {
				if m.Column == from.Intake.Fills.Column {
					t.Errorf("%s fills %s.%s, whose members are stored", from.Name, name, m.Column)
				}
			}
		}
	}
}
