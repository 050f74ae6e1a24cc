package evidence

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// lineDecoder decodes lines of JSON from Log Analytics.
func lineDecoder(t *testing.T) *Decoder {
	layout, shapes := testLayout(t)
	at := slices.IndexFunc(shapes, func(s Shape) bool { return s.Name == "la-json" })
	return layout.NewDecoder(&File{Path: "rows.jsonl", shapes: shapes, Shape: &shapes[at]})
}

// TestRepeats reads members whose texts come again, or nearly, and compares each with what encoding/json reads.
func TestRepeats(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	text := func() string {
		var b strings.Builder
		b.WriteString(strings.Repeat(`"k":1,`, 12)) // longer than what tells where a text is remembered
		for range r.IntN(4) {
			b.WriteString([]string{`"`, `\`, "x", "\n", "é", `a longer piece of plain text`}[r.IntN(6)])
		}
		return b.String()
	}
	d := lineDecoder(t)
	for range 20_000 {
		record := map[string]string{"Type": "AADNonInteractiveUserSignInLogs", "Id": "1", "DeviceDetail": text(), "Status": text(), "UserAgent": text()}
		line, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		row, err := d.Decode(line, 1)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for i, col := range row.Target.Columns {
			if want, ok := record[col.Name]; ok && string(row.Cells[i].Text) != want {
				t.Fatalf("%s: %s is %q, want %q", line, col.Name, row.Cells[i].Text, want)
			}
		}
	}
	if d.repeats == 0 || d.repeats > repeatBudget {
		t.Errorf("%d bytes are remembered", d.repeats)
	}
}

// TestRepeatsInOneRecord: what a row was made of stays, also where the same member comes twice in its record.
func TestRepeatsInOneRecord(t *testing.T) {
	d := lineDecoder(t)
	begin := strings.Repeat(`\"k\":1,`, 12)
	once := `{"Type":"AADNonInteractiveUserSignInLogs","Id":"1","DeviceDetail_string":"` + begin + `first"`
	for _, record := range []string{once + `}`, once + `,"DeviceDetail_string":"` + begin + `other"}`} {
		row, err := d.Decode([]byte(record), 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, col := range row.Target.Columns {
			if want := strings.ReplaceAll(begin, `\`, "") + "first"; col.Name == "DeviceDetail" && string(row.Cells[i].Text) != want {
				t.Fatalf("got %q, want %q", row.Cells[i].Text, want)
			}
		}
	}
}

// TestRepeatsInCells reads cells whose texts come again, or nearly, and compares them with what was written.
func TestRepeatsInCells(t *testing.T) {
	layout, shapes := testLayout(t)
	at := slices.IndexFunc(shapes, func(s Shape) bool { return s.Name == "la-portal-csv" })
	keys := []string{"Type", "Id", "UserAgent", "AlternateSignInName", "ResultDescription"}
	d := layout.NewDecoder(&File{Path: "rows.csv", shapes: shapes, Shape: &shapes[at], Keys: keys, separator: ','})
	r := rand.New(rand.NewPCG(7, 8))
	for range 20_000 {
		record := []string{"AADNonInteractiveUserSignInLogs", "1"}
		line := record[0] + "," + record[1]
		for range keys[2:] {
			text := strings.Repeat(`"k":1,`, 12)
			for range r.IntN(4) {
				text += []string{`"`, `",`, ",", "x", "\n", "é", `a longer piece of plain text`}[r.IntN(7)]
			}
			tail := []string{"", "", "", " more"}[r.IntN(4)] // behind the closing quote
			line += `,"` + strings.ReplaceAll(text, `"`, `""`) + `"` + tail
			record = append(record, text+tail)
		}
		row, err := d.Decode([]byte(line), 1)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for i, col := range row.Target.Columns {
			if k := slices.Index(keys, col.Name); k >= 0 && string(row.Cells[i].Text) != record[k] {
				t.Fatalf("%s: %s is %q, want %q", line, col.Name, row.Cells[i].Text, record[k])
			}
		}
	}
	if d.repeats == 0 || d.repeats > repeatBudget {
		t.Errorf("%d bytes are remembered", d.repeats)
	}
}
