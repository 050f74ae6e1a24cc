package evidence

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// dresses are forms in which the same file comes: what tools, editors and regions make of it. Each returns nil for a file
// that it cannot dress.
var dresses = map[string]func(name string, text []byte) []byte{
	"CRLF": func(_ string, text []byte) []byte {
		return bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	},
	"byte order mark": func(_ string, text []byte) []byte { return append([]byte("\ufeff"), text...) },
	"UTF-16": func(_ string, text []byte) []byte {
		return inUTF16("\ufeff"+strings.TrimPrefix(string(text), "\ufeff"), false)
	},
	"UTF-16 big": func(_ string, text []byte) []byte {
		return inUTF16("\ufeff"+strings.TrimPrefix(string(text), "\ufeff"), true)
	},
	"no line end":          func(_ string, text []byte) []byte { return bytes.TrimRight(text, "\r\n") },
	"blank lines":          func(_ string, text []byte) []byte { return append(text, "\n\n \n"...) },
	"gzip":                 func(_ string, text []byte) []byte { return packed(text) },
	"tabs":                 func(name string, text []byte) []byte { return recut(name, text, '\t', nil) },
	"semicolons":           func(name string, text []byte) []byte { return recut(name, text, ';', nil) },
	"columns from the end": func(name string, text []byte) []byte { return recut(name, text, ',', slices.Reverse[[]string]) },
}

func inUTF16(text string, big bool) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(text)) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

func packed(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(text)
	_ = w.Close()
	return b.Bytes()
}

// recut writes a CSV anew. A shape that is told by positions, or whose rows lie about their quotes, has only one cut.
func recut(name string, text []byte, comma rune, change func([]string)) []byte {
	shape := filepath.Base(filepath.Dir(name))
	if filepath.Ext(name) != ".csv" || shape == "watchlist-csv" || strings.Contains(name, "_de.") || strings.Contains(name, "quotes") {
		return nil
	}
	text = bytes.TrimPrefix(text, byteOrderMark)
	text, was := csvStart(text)
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = rune(was), -1, true
	rows, err := r.ReadAll()
	if err != nil {
		return nil
	}
	if keys := slices.Clone(rows[0]); change != nil {
		slices.Sort(keys)
		if len(slices.Compact(keys)) < len(rows[0]) {
			return nil // the first of equal headers counts
		}
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma = comma
	for _, row := range rows {
		if change != nil {
			change(row)
		}
		_ = w.Write(row)
	}
	w.Flush()
	return b.Bytes()
}

// TestDress reads each sample of formats/testdata in every dress: the rows and rejects are the same.
func TestDress(t *testing.T) {
	samples, err := filepath.Glob(filepath.Join(shapeData, "*", "*.want"))
	if err != nil || len(samples) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, sample := range samples {
		name := strings.TrimSuffix(sample, ".want")
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		plain, rows, rejects := records(t, name)
		for dress, put := range dresses {
			dressed := put(name, text)
			if dressed == nil {
				continue
			}
			path := filepath.Join(t.TempDir(), filepath.Base(filepath.Dir(name)), filepath.Base(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, dressed, 0o600); err != nil {
				t.Fatal(err)
			}
			file, gotRows, gotRejects := records(t, path)
			if file.ShapeName() != plain.ShapeName() {
				t.Errorf("%s in %s is recognised as %s", name, dress, file.ShapeName())
			}
			if want, got := listed(rows), listed(gotRows); want != got {
				t.Errorf("%s in %s:\n%s\nwant\n%s", name, dress, got, want)
			}
			if len(rejects) != len(gotRejects) {
				t.Errorf("%s in %s: rejected %v, want %v", name, dress, gotRejects, rejects)
			}
		}
	}
}

// listed is rows as text, without what depends on the cut of the file.
func listed(rows []map[string]string) string {
	var b strings.Builder
	for _, row := range rows {
		var cells []string
		for k, v := range row {
			switch k {
			case "_Additional", "line", "WatchlistItem", "SearchKey":
				v = fmt.Sprint(v != "")
			}
			cells = append(cells, k+"="+strings.ReplaceAll(strings.ReplaceAll(v, "\r\n", "\n"), `\r\n`, `\n`)) // a cell may have lines of its own
		}
		slices.Sort(cells)
		b.WriteString(strings.Join(cells, " ") + "\n")
	}
	return b.String()
}
