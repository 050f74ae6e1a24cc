package evidence

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// families are the kinds of shapes that are read by the same code; each has a fuzz target of its own, whose seeds are
// the samples of its shapes.
var families = map[string]func(s *Shape) bool{
	"csv":   func(s *Shape) bool { return s.Container == CSV && !s.Wrap() },
	"json":  func(s *Shape) bool { return s.Container == JSON && !s.Wrap() },
	"table": func(s *Shape) bool { return s.Container == Tables },
	"wrap":  func(s *Shape) bool { return s.Wrap() && !s.Nest },
	"flat":  func(s *Shape) bool { return s.Nest },
}

func FuzzCSVShapes(f *testing.F)   { fuzzFamily(f, "csv", "export.csv") }    //fuzz:slow each input is a file on the disk
func FuzzJSONShapes(f *testing.F)  { fuzzFamily(f, "json", "export.json") }  //fuzz:slow each input is a file on the disk
func FuzzTableShapes(f *testing.F) { fuzzFamily(f, "table", "answer.json") } //fuzz:slow each input is a file on the disk
func FuzzFlatShapes(f *testing.F)  { fuzzFamily(f, "flat", "flat.csv") }     //fuzz:slow each input is a file on the disk

func FuzzWraps(f *testing.F) { //fuzz:slow each input is a file on the disk
	f.Add(captured(f, nil, `{"records":[{"category":"SignInLogs","time":"2026-03-20T10:02:00Z","properties":{"id":"1"}}]}`))
	fuzzFamily(f, "wrap", "messages.log")
}

// TestFamilies: each shape is of one family, so that each is fuzzed.
func TestFamilies(t *testing.T) {
	_, shapes := testLayout(t)
	for i := range shapes {
		n := 0
		for _, is := range families {
			if is(&shapes[i]) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is of %d families", shapes[i].Name, n)
		}
	}
}

// fuzzFamily reads any bytes as a file: no panic and no hang; each record is a row or a reject, and what the database
// relies on holds.
func fuzzFamily(f *testing.F, family, name string) {
	layout, shapes := testLayout(f)
	for i := range shapes {
		if !families[family](&shapes[i]) {
			continue
		}
		samples, err := filepath.Glob(filepath.Join(shapeData, shapes[i].Name, "*.want"))
		if err != nil {
			f.Fatal(err)
		}
		for _, sample := range samples {
			text, err := os.ReadFile(strings.TrimSuffix(sample, ".want"))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	path := filepath.Join(f.TempDir(), fmt.Sprint(os.Getpid())+name)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := new(Files).Open(path, shapes)
		if err != nil {
			return
		}
		rejected := 0
		stream, err := file.Read(func(Reject) { rejected++ })
		if err != nil {
			return
		}
		defer func() { _ = stream.Close() }()
		d, reader, read := layout.NewDecoder(file), stream.Reader(), 0
		for record, ok := reader.Next(); ok; record, ok = reader.Next() {
			if read++; read > len(data)+1 && !bytes.HasPrefix(data, []byte("Obj")) { // a block of Avro may be packed
				t.Fatalf("more than %d records from %d bytes", read, len(data))
			}
			record, row, err := reader.Decode(record, d)
			if err == nil {
				checkRow(t, row)
				continue
			}
			if r := RejectOf(record, err); r.Code == "" || r.Reason == "" {
				t.Fatalf("a reject without a reason: %+v", r)
			}
		}
	})
}
