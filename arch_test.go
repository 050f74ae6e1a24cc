package replaytrace_test

import (
	"flag"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the import table in docs/ARCHITECTURE.md")

const module = "github.com/replaytrace/replaytrace/"

// allowed is what each package may import of ours. docs/ARCHITECTURE.md shows this table.
var allowed = map[string]string{
	"tables":                 "",
	"formats":                "",
	"hunts":                  "",
	"cmd/replaytrace":        "internal/cli",
	"internal/escape":        "",
	"internal/diag":          "internal/escape",
	"internal/kql/schema":    "",
	"internal/kql/syntax":    "internal/diag",
	"internal/kql/function":  "internal/kql/schema",
	"internal/kql/plan":      "internal/diag internal/kql/function internal/kql/schema internal/kql/syntax",
	"internal/kql/sqlgen":    "internal/kql/function internal/kql/plan internal/kql/schema",
	"internal/kql":           "internal/diag internal/kql/function internal/kql/plan internal/kql/schema internal/kql/sqlgen internal/kql/syntax",
	"internal/evidence":      "formats internal/kql/schema",
	"internal/casefile":      "internal/diag internal/evidence internal/kql internal/kql/schema tables",
	"internal/hunt":          "internal/diag internal/kql internal/kql/schema",
	"internal/finding":       "internal/hunt",
	"internal/investigation": "internal/diag internal/finding internal/hunt internal/kql internal/kql/schema",
	"internal/report":        "internal/escape internal/finding internal/investigation",
	"internal/simulate":      "internal/kql/schema tables",
	"internal/cli":           "hunts internal/casefile internal/diag internal/escape internal/finding internal/hunt internal/investigation internal/kql internal/kql/schema internal/report internal/simulate",
}

const duckdb = "github.com/duckdb/duckdb-go/v2"

func TestArchitecture(t *testing.T) {
	for dir, imports := range packages(t) {
		if dir == "." {
			continue
		}
		rule, known := allowed[dir]
		if !known {
			t.Errorf("%s is not in the table of packages", dir)
			continue
		}
		for _, imp := range imports {
			if own, ok := strings.CutPrefix(imp, module); ok && !slices.Contains(strings.Fields(rule), own) {
				t.Errorf("%s may not import %s", dir, own)
			}
			if strings.HasPrefix(imp, duckdb) && dir != "internal/casefile" {
				t.Errorf("%s imports the database's driver; only internal/casefile may", dir)
			}
		}
	}
	checkTable(t)
}

// packages lists the imports of each package, tests left out, and checks package comments and file sizes.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	documented := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (path == "tools" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			if d != nil && d.IsDir() && err == nil {
				return fs.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := strings.Count(string(text), "\n"); n > 800 {
			t.Errorf("%s has %d lines, more than 800", path, n)
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		documented[dir] = documented[dir] || f.Doc != nil
		for _, imp := range f.Imports {
			out[dir] = append(out[dir], strings.Trim(imp.Path.Value, `"`))
		}
		if out[dir] == nil {
			out[dir] = []string{}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range out {
		if !documented[dir] {
			t.Errorf("%s has no package comment", dir)
		}
		if slices.Contains([]string{"util", "utils", "common", "helpers", "models", "manager", "types"}, filepath.Base(dir)) {
			t.Errorf("%s has a name that says nothing", dir)
		}
	}
	return out
}

func checkTable(t *testing.T) {
	t.Helper()
	var dirs []string
	for d := range allowed {
		dirs = append(dirs, d)
	}
	sort.Strings(dirs)
	var b strings.Builder
	b.WriteString("| package | may import |\n|---|---|\n")
	for _, d := range dirs {
		b.WriteString("| `" + d + "` | " + strings.ReplaceAll(allowed[d], "internal/", "") + " |\n")
	}
	const path, begin, end = "docs/ARCHITECTURE.md", "<!-- imports -->\n", "<!-- /imports -->"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(text), begin)
	table, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the import table", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(head+begin+b.String()+end+tail), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if table != b.String() {
		t.Errorf("the import table in %s is stale: go test . -run TestArchitecture -update", path)
	}
}
