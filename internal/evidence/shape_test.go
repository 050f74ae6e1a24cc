package evidence

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/tables"
)

const shapeData = "../../formats/testdata"

// testLayout lays out the shipped tables, once.
func testLayout(t testing.TB) (*Layout, []Shape) {
	t.Helper()
	l, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	return l.Layout, l.shapes
}

type shippedLayout struct {
	*Layout
	shapes []Shape
}

var shipped = sync.OnceValues(func() (l shippedLayout, err error) {
	all, err := schema.Load(tables.FS)
	if err != nil {
		return l, err
	}
	var targets []*schema.Table
	for i := range all {
		targets = append(targets, &all[i])
	}
	l.Layout = NewLayout(targets)
	l.shapes, err = DefaultShapes()
	return l, err
})

// records reads a whole file into rows and rejects, as text by column. Columns without a value are left out.
func records(t testing.TB, path string) (file *File, rows, rejects []map[string]string) {
	t.Helper()
	layout, shapes := testLayout(t)
	file, err := new(Files).Open(path, shapes)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	reject := func(r Reject) {
		rejects = append(rejects, map[string]string{"reject": r.Code, "line": strconv.FormatInt(r.Line, 10)})
	}
	stream, err := file.Read(reject)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	reader, d := stream.Reader(), layout.NewDecoder(file)
	for record, ok := reader.Next(); ok; record, ok = reader.Next() {
		record, row, err := reader.Decode(record, d)
		if err != nil {
			reject(RejectOf(record, err))
			continue
		}
		out := map[string]string{"table": row.Target.Table.Name, "line": strconv.FormatInt(row.Line, 10)}
		for i, c := range row.Cells {
			if text := cellText(&row.Target.Columns[i], &c); text != "" {
				out[row.Target.Columns[i].Name] = text
			}
		}
		rows = append(rows, out)
	}
	if err := stream.Close(); err != nil {
		reject(Reject{Place: stream.Place(), Code: CodeTruncatedFile})
	}
	return file, rows, rejects
}

func cellText(col *schema.Column, c *Cell) string {
	switch {
	case c.Null:
		return ""
	case col.Type == schema.Datetime:
		return schema.Ticks(c.Int).RFC3339()
	case col.Type == schema.Bool:
		return strconv.FormatBool(c.Int == 1)
	case col.Type == schema.Int, col.Type == schema.Long:
		return strconv.FormatInt(c.Int, 10)
	case col.Type == schema.Real:
		return fmt.Sprint(c.Real)
	}
	return string(c.Text)
}

// TestShapes reads the samples of each shape in formats/testdata. Beside a sample stands NAME.want: one line per record
// with what its shape's documentation says of it; "" is a column without a value. A shape without a sample fails.
func TestShapes(t *testing.T) {
	_, shapes := testLayout(t)
	for _, s := range shapes {
		wants, err := filepath.Glob(filepath.Join(shapeData, s.Name, "*.want"))
		if err != nil || len(wants) == 0 {
			t.Errorf("the shape %s has no sample in formats/testdata", s.Name)
		}
		for _, want := range wants {
			t.Run(s.Name+"/"+filepath.Base(want), func(t *testing.T) { checkSample(t, s.Name, want) })
		}
	}
}

func checkSample(t *testing.T, shape, want string) {
	text, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	file, rows, rejects := records(t, strings.TrimSuffix(want, ".want"))
	if name := "/" + file.ShapeName() + "/"; !strings.HasPrefix(name, "/"+shape+"/") && !strings.HasSuffix(name, "/"+shape+"/") {
		t.Errorf("recognised as %s", name)
	}
	for n, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var expected map[string]string
		if err := json.Unmarshal([]byte(line), &expected); err != nil {
			t.Fatalf("line %d: %v", n+1, err)
		}
		list := &rows
		if expected["reject"] != "" {
			list = &rejects
		}
		if len(*list) == 0 {
			t.Fatalf("line %d: no record is left for %s", n+1, line)
		}
		got := (*list)[0]
		*list = (*list)[1:]
		for column, value := range expected {
			if got[column] != value {
				t.Errorf("line %d: %s is %q, want %q", n+1, column, got[column], value)
			}
		}
	}
	if len(rows)+len(rejects) > 0 {
		t.Errorf("more than was expected: %v %v", rows, rejects)
	}
}

// TestNoVPNLog: tables of what users did elsewhere, each with a user, a time and an address, are no log of a VPN, whose
// addresses would be taken for the users' own.
func TestNoVPNLog(t *testing.T) {
	_, shapes := testLayout(t)
	for _, header := range []string{
		"Timestamp,User,Action,SessionId,ClientIP,MailAccessType,IsThrottled,OperationCount", // Microsoft-Extractor-Suite's sessions
		"Time,User,Client IP,Workload,RecordType",
	} {
		path := filepath.Join(t.TempDir(), "Sessions.csv")
		if err := os.WriteFile(path, []byte(header+"\n3/20/2026 10:00:00 AM,ann@example.com,192.0.2.1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := new(Files).Open(path, shapes); err == nil && f.Shape.Name == "vpn-csv" {
			t.Errorf("a VPN log: %s", header)
		}
	}
}

// TestCamelName: names as the SDK writes them become those of the service.
func TestCamelName(t *testing.T) {
	for name, want := range map[string]string{
		"IPAddress": "ipAddress", "UserPrincipalName": "userPrincipalName", "Id": "id", "ID": "id", "OAuthScopes": "oAuthScopes",
		"device_detail": "deviceDetail", "_type": "_type", "a_b1": "aB1", "ipAddress": "ipAddress",
	} {
		if got := string(camelName(nil, []byte(name))); got != want {
			t.Errorf("%s became %s, want %s", name, got, want)
		}
	}
}

// TestNoSignIns: objects of the directory and of its services, which collectors write beside the logs, have times and ids of
// their own and are no events.
func TestNoSignIns(t *testing.T) {
	_, shapes := testLayout(t)
	for name, text := range map[string]string{
		"applications.json":      `{"value":[{"id":"a","appId":"x","displayName":"App","createdDateTime":"2024-01-01T00:00:00Z","signInAudience":"AzureADMyOrg"}]}`,
		"servicePrincipals.json": `{"id":"s","appId":"x","appDisplayName":"App","createdDateTime":"2024-01-01T00:00:00Z","servicePrincipalType":"Application"}`,
		"azurehound.json":        `{"data":[{"kind":"AZApp","data":{"id":"a","appId":"x","createdDateTime":"2024-01-01T00:00:00Z"}}],"meta":{"type":"azure"}}`,
		"servicePrincipals.csv":  "Id,AppId,DisplayName,AppDisplayName,CreatedDateTime,AccountEnabled\ns1,x,App,App,3/24/2024 10:00:00 AM,True\n",
		"users.csv":              "Id,UserPrincipalName,DisplayName,Country,City,CreatedDateTime\nu1,ann@example.com,Ann,NO,Oslo,3/24/2024 10:00:00 AM\n",
		"devices.csv":            "Id,DeviceId,DisplayName,OS,UserPrincipalName,CreatedDateTime\n1,d,PC,Windows,ann@example.com,3/24/2024 10:00:00 AM\n",
		"provisioning.json":      `{"id":"p1","activityDateTime":"2026-03-20T10:00:00Z","provisioningAction":"create","initiatedBy":{"id":"x"}}`,
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := new(Files).Open(path, shapes); err != nil {
			continue
		}
		if file, rows, _ := records(t, path); len(rows) > 0 {
			t.Errorf("%s holds a row of %s: %v", name, file.ShapeName(), rows)
		}
	}
}
