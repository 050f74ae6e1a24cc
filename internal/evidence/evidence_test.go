package evidence

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// The forms are those of exports: the portal's, the API's, PowerShell's.
func TestDatetime(t *testing.T) {
	datetimes(t, map[string]string{
		"2026-03-21T09:30:00Z":           "2026-03-21T09:30:00Z",
		"2026-03-21T09:30:00.1234567Z":   "2026-03-21T09:30:00.1234567Z",
		"2026-03-21T09:30:00.123456789Z": "2026-03-21T09:30:00.1234567Z",
		"2026-03-21T11:30:00+02:00":      "2026-03-21T09:30:00Z",
		"6/15/2026, 12:40:24.178 PM":     "2026-06-15T12:40:24.178Z",
		"6/15/2026, 12:40:24.178 AM":     "2026-06-15T00:40:24.178Z",
		"/Date(1623760000000)/":          "2021-06-15T12:26:40Z",
		"2026-02-30T09:30:00Z":           "",
		"12:36 PM":                       "",
		"":                               "",
	})
}

// datetimes reads texts as times; what is none has an empty one.
func datetimes(t *testing.T, wanted map[string]string) {
	t.Helper()
	for text, want := range wanted {
		got, ok := datetimeMonthFirst([]byte(text))
		if ok != (want != "") || ok && got.RFC3339() != want {
			t.Errorf("%q: got %s (%v), want %q", text, got.RFC3339(), ok, want)
		}
	}
}

func TestScanObjectRefuses(t *testing.T) {
	for _, text := range []string{
		`{"a":1,}`, `{"a":}`, `{"a":01}`, `{"a":1} x`, `[1]`, `{"a":"\ud800"}`, `{"a":1e}`, "{\"a\":\"\x01\"}", `{"a":"b`, `{"a":[1,]}`,
	} {
		if err := scanObject([]byte(text), nil); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
	for _, text := range []string{`{}`, `{"a":-1.5e+3,"b":[{},[],null,true],"c":"\ud83d\ude00\n"}`} {
		if err := scanObject([]byte(text), nil); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestCSVCells(t *testing.T) {
	var got []string
	cells, _, closed := csvCells(nil, []byte("a,\"b \"\"q\"\", c\",,\"x\ny\",\r"), ',', nil, nil)
	if !closed {
		t.Error("a quote is said to be open")
	}
	for _, c := range cells {
		got = append(got, string(c.Bytes))
	}
	want := []string{"a", `b "q", c`, "", "x\ny", ""}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("cell %d: got %q, want %q", i, got[i], want[i])
		}
	}
}

func FuzzDatetime(f *testing.F) {
	f.Add("6/15/2026, 12:40:24.178 PM")
	f.Add("2026-03-21T09:30:00.1234567Z")
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := datetimeMonthFirst([]byte(text)); ok && (got < 0 || got > schema.MaxDatetime) {
			t.Fatalf("%q is %d ticks, outside of what Kusto can hold", text, got)
		}
	})
}

// FuzzDecode sends any bytes through each shape's framing and decoding: no panic, no hang, no record in two pieces.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"Type":"SigninLogs","TimeGenerated":"2026-03-21T09:30:00Z","Id":"1"}`), uint8(0))
	f.Add([]byte("[{\"Type\":\"SigninLogs\"},\n{\"Type\":\"AuditLogs\"}]"), uint8(1))
	f.Add([]byte("TimeGenerated [UTC],Type\r\n\"3/21/2026, 9:30:00.000 AM\",SigninLogs\r\n"), uint8(2))
	layout, shapes := testLayout(f)
	f.Fuzz(func(t *testing.T, data []byte, kind uint8) {
		s := &shapes[int(kind)%len(shapes)]
		file := &File{Shape: s, container: s.Container, Keys: []string{"TimeGenerated [UTC]", "Type"}}
		split, state := splitValues, &splitState{page: []string{"value"}}
		if s.Container == CSV {
			split, state = splitCSV, &splitState{comma: ','}
		}
		d := layout.NewDecoder(file)
		deadline := time.Now().Add(5 * time.Second)
		records, used := split(data, true, state)
		if used > len(data) {
			t.Fatalf("used %d of %d bytes", used, len(data))
		}
		end := 0
		for _, r := range records {
			if r.Start < end || r.End > len(data) || r.End <= r.Start {
				t.Fatalf("record %v overlaps or lies outside", r)
			}
			end = r.End
			_, _ = d.Decode(data[r.Start:r.End], 1)
			if time.Now().After(deadline) {
				t.Fatal("too slow")
			}
		}
	})
}

// FuzzFile sends any bytes through the whole door: recognition by content, unpacking, byte order marks, the query
// API's nesting, framing and decoding with the shipped shapes. No panic, and the blocks come to an end.
func FuzzFile(f *testing.F) { //fuzz:slow each input is a file on the disk
	f.Add([]byte("{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[{\"name\":\"Type\",\"type\":\"string\"},{\"name\":\"Id\",\"type\":\"string\"}],\"rows\":[[\"SigninLogs\",\"1\"]]}]}"))
	f.Add([]byte("[{\"TableName\":\"PrimaryResult\",\"Type\":\"SigninLogs\",\"TimeGenerated\":\"2026-03-21T09:30:00Z\",\"Id\":\"1\"}]"))
	f.Add([]byte("{\"Type\":\"SigninLogs\",\"TimeGenerated\":\"2026-03-21T09:30:00Z\"}\n{\"Type\":\"AuditLogs\",\"Tim"))
	f.Add([]byte("\xef\xbb\xbfTimeGenerated [UTC],CreatedDateTime [UTC],Type,Id\r\n\"3/21/2026, 9:30:00.000 AM\",,SigninLogs,\"a\nb\"\r\n"))
	f.Add([]byte("\xff\xfe{\x00\"\x00T\x00y\x00p\x00e\x00\"\x00:\x00\"\x00\"\x00}\x00"))
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"))
	samples, err := filepath.Glob(filepath.Join(shapeData, "*", "*"))
	if err != nil {
		f.Fatal(err)
	}
	for _, sample := range samples {
		text, err := os.ReadFile(sample)
		if err != nil {
			f.Fatal(err)
		}
		if filepath.Ext(sample) != ".want" {
			f.Add(text)
		}
	}
	layout, shapes := testLayout(f)
	path := filepath.Join(f.TempDir(), "evidence")
	f.Fuzz(func(t *testing.T, data []byte) {
		own := fmt.Sprintf("%s-%d", path, os.Getpid())
		if err := os.WriteFile(own, data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := new(Files).Open(own, shapes)
		if err != nil {
			return
		}
		stream, err := file.Read(func(Reject) {})
		if err != nil {
			return
		}
		d := layout.NewDecoder(file)
		records := 0
		r := stream.Reader()
		for record, ok := r.Next(); ok; record, ok = r.Next() {
			if records++; records > len(data)+1 && !bytes.HasPrefix(data, []byte("\x1f\x8b")) {
				t.Fatalf("more than %d records from %d bytes", records, len(data))
			}
			if row, err := d.Decode(record.Text, record.Line); err == nil {
				checkRow(t, row)
			}
		}
		_ = stream.Close()
	})
}

// checkRow holds what the database relies on: text is UTF-8, and what is dynamic is JSON.
func checkRow(t *testing.T, row *Row) {
	for i, c := range row.Cells {
		col := row.Target.Columns[i]
		if !utf8.Valid(c.Text) {
			t.Fatalf("%s.%s is not UTF-8: %q", row.Target.Table.Name, col.Name, c.Text)
		}
		if col.Type != schema.Dynamic || c.Null {
			continue
		}
		if end, _, err := value(c.Text, 0, 0); err != nil || end != len(c.Text) {
			t.Fatalf("%s.%s is not JSON: %q: %v", row.Target.Table.Name, col.Name, c.Text, err)
		}
	}
}
