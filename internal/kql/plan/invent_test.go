package plan

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/replaytrace/replaytrace/internal/kql/function"
)

// invented are the calls that this package makes by a name that stands in its source.
var invented = regexp.MustCompile(`\binvent(?:At\([^"\n]*?, |\()"([^"]+)"`)

// TestInvented holds every such name to the table of functions, so that no query can reach the panic of inventAt.
func TestInvented(t *testing.T) {
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range invented.FindAllSubmatch(text, -1) {
			names++
			_, operator := function.Operator(string(m[1]))
			if _, ok := function.Lookup(string(m[1])); !ok && !operator {
				t.Errorf("%s: the table has no function %s", path, m[1])
			}
		}
	}
	if names < 20 {
		t.Errorf("only %d names are found in the source: has the call another form now?", names)
	}
}
