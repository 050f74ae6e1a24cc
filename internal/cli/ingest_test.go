package cli

import (
	"fmt"
	"slices"
	"testing"

	"github.com/replaytrace/replaytrace/internal/casefile"
)

// TestFileRows: up to a hundred files are told one by one; of more, those that were not read or lost rows.
func TestFileRows(t *testing.T) {
	var files []*casefile.FileReport
	for i := range int64(98) {
		files = append(files, &casefile.FileReport{Number: i + 1, Path: fmt.Sprintf("%d.json", i+1), Shape: "la-json", RowsRead: 5, RowsLoaded: 4, RowsDuplicate: 1})
	}
	files = append(files,
		&casefile.FileReport{Number: 99, Path: "99.csv", Shape: "la-csv", RowsRead: 5, RowsLoaded: 3, RowsRejected: 2},
		&casefile.FileReport{Number: 100, Path: "\x1b[2J.7z", Error: "an archive"})
	if got := fileRows(files); len(got) != 100 || !slices.Equal(got[0], []string{"1", "1.json", "la-json", "5", "4", "1", "0"}) {
		t.Errorf("%d rows, the first %q", len(got), got[0])
	}
	files = append(files, &casefile.FileReport{Number: 101, Path: "101.json", SameAs: 1}, &casefile.FileReport{Number: 102, Path: "102.json", Present: true, RowsRead: 7})
	want := [][]string{
		{"99", "99.csv", "la-csv", "5", "3", "0", "2"},
		{"100", `\x1b[2J.7z`, "not read: an archive", "0", "0", "0", "0"},
		{"", "1 file", "in the case already", "7", "0", "0", "0"},
		{"", "98 files", "la-json", "490", "392", "98", "0"},
		{"", "1 file", "the same bytes as another file", "0", "0", "0", "0"},
	}
	got := fileRows(files)
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}
