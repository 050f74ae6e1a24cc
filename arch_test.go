package replaytrace_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/golden"
)

const (
	module        = "github.com/replaytrace/replaytrace"
	driver        = "github.com/duckdb/duckdb-go"
	maxFileLines  = 800
	maxFuncLines  = 70
	architecture  = "docs/ARCHITECTURE.md"
	everything    = "*" // every package above this one in the table
	forbiddenName = " util utils common helper helpers model models manager managers types misc base "
)

// layer is one package of the house: what it owns and which of our packages its non-test code may import.
type layer struct {
	pkg, owns string
	imports   string // separated by blanks
}

// layers is the import table, lowest first: a package may only import packages above it in this list, and what it may it
// does. The table in docs/ARCHITECTURE.md is printed from it.
var layers = []layer{
	{"tables", "data: the canonical tables, their columns and KQL types", ""},
	{"formats", "data: the shapes in which evidence comes", ""},
	{"hunts", "data: the shipped hunts", ""},
	{"internal/golden", "what a test makes, compared with a file that is kept", ""},
	{"internal/escape", "hostile text made safe for each kind of output", ""},
	{"internal/diag", "positions in a user's text, and messages about them", "internal/escape"},
	{"internal/kql/schema", "KQL types, values and table schemas", ""},
	{"internal/kql/slab", "the memory of what a compilation makes by the thousand", ""},
	{"internal/kql/syntax", "KQL text to a syntax tree, and back", "internal/diag internal/kql/schema internal/kql/slab"},
	{"internal/kql/function", "the one table of KQL functions", "internal/kql/schema"},
	{"internal/kql/plan", "a syntax tree bound to tables and types", "internal/diag internal/kql/schema internal/kql/slab internal/kql/syntax internal/kql/function"},
	{"internal/kql/sqlgen", "a plan to DuckDB SQL", "internal/diag internal/kql/schema internal/kql/function internal/kql/plan"},
	{"internal/kql", "the language's only door", "internal/diag internal/kql/schema internal/kql/syntax internal/kql/function internal/kql/plan internal/kql/sqlgen"},
	{"internal/kql/kqltest", "the conformance scripts' language, on any engine", "internal/diag internal/kql internal/kql/schema"},
	{"internal/kql/oracle", "a second, slow answer to KQL and random queries, for tests", "internal/diag internal/kql/schema internal/kql/syntax"},
	{"internal/tenant", "what the user knows about the tenant", "internal/diag internal/kql/schema"},
	{"internal/evidence", "a file to records with a position, or a reason", "formats internal/kql/schema"},
	{"internal/casefile", "the case: DuckDB, loading, provenance, queries", "tables internal/diag internal/escape internal/evidence internal/kql internal/kql/schema internal/kql/function"},
	{"internal/hunt", "a rule file, run on an engine, to signals", "internal/diag internal/kql internal/kql/schema"},
	{"internal/inventory", "which applications are known, by id and owner", ""},
	{"internal/proof", "the test beside each rule: rows in, signals out", "internal/hunt internal/inventory internal/casefile internal/kql internal/kql/schema"},
	{"internal/view", "a question kept as a file, asked of an engine within a time and for users", "hunts internal/diag internal/hunt internal/kql"},
	{"internal/finding", "signals to findings: the judgement", "internal/hunt"},
	{"internal/investigation", "the one result that every output renders", "internal/kql internal/hunt internal/view internal/finding"},
	{"internal/report", "a result as HTML, Markdown, CSV and JSON", "internal/escape internal/finding internal/investigation"},
	{"internal/quality", "the measuring of the detection, by its JSON and the answer key alone", ""},
	{"internal/calibrate", "the fitting of the fusion's weights on labelled activities", "internal/finding internal/hunt internal/quality"},
	{"internal/simulate", "a synthetic tenant and its answer key", "tables internal/kql/schema"},
	{"internal/cli", "commands, flags, terminal output, exit codes, the clock", everything},
	{"cmd/replaytrace", "the program", "internal/cli"},
	{"cmd/quality", "the program that measures the detection (make quality)", "hunts internal/hunt internal/quality internal/cli"},
	{"cmd/calibrate", "the program that fits the weights (make calibrate)", "hunts internal/calibrate internal/finding internal/hunt internal/quality"},
}

// longFiles and longFuncs are the exceptions to the size limits, each with its reason.
var (
	longFiles = map[string]string{}
	longFuncs = map[string]string{}
)

// source is one parsed Go file.
type source struct {
	dir, path string
	file      *ast.File
	lines     int
	test      bool
	generated bool
}

var fset = token.NewFileSet()

// sources parses every Go file of the main module, in the order of their paths.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if path != "." && (name == "testdata" || name == "tools" || strings.HasPrefix(name, ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		out = append(out, source{
			dir: filepath.ToSlash(filepath.Dir(path)), path: filepath.ToSlash(path), file: file,
			lines: strings.Count(string(text), "\n"), test: strings.HasSuffix(path, "_test.go"),
			generated: ast.IsGenerated(file),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// imported returns the paths that a file imports.
func imported(file *ast.File) []string {
	var out []string
	for _, spec := range file.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			out = append(out, path)
		}
	}
	return out
}

func TestImports(t *testing.T) {
	index := map[string]int{}
	for i, l := range layers {
		index[l.pkg] = i
	}
	used := map[string]bool{} // "importer imported"
	for _, src := range sources(t) {
		if src.dir == "." {
			continue
		}
		at, known := index[src.dir]
		if !known {
			t.Errorf("%s: package %s is not in the import table: add it to layers, with what it owns", src.path, src.dir)
			continue
		}
		for _, path := range imported(src.file) {
			if strings.HasPrefix(path, driver) && src.dir != "internal/casefile" {
				t.Errorf("%s imports the database driver: only internal/casefile may", src.path)
			}
			ours, ok := strings.CutPrefix(path, module+"/")
			if !ok || src.test {
				continue
			}
			used[src.dir+" "+ours] = true
			below, ok := index[ours]
			allowed := layers[at].imports == everything || slices.Contains(strings.Fields(layers[at].imports), ours)
			if !ok || !allowed || below >= at {
				t.Errorf("%s imports %s: the import table does not allow it", src.path, ours)
			}
		}
	}
	for _, l := range layers {
		for ours := range strings.FieldsSeq(l.imports) {
			if ours != everything && !used[l.pkg+" "+ours] {
				t.Errorf("%s does not import %s: the import table need not allow it", l.pkg, ours)
			}
		}
	}
	golden.Part(t, architecture, "imports", importTable())
}

// importTable prints layers as Markdown, highest first.
func importTable() string {
	var b strings.Builder
	b.WriteString("| package | owns | may import (of ours) |\n|---|---|---|\n")
	for _, l := range slices.Backward(layers) {
		imports := strings.NewReplacer("internal/", "").Replace(strings.Join(strings.Fields(l.imports), ", "))
		switch l.imports {
		case "":
			imports = "nothing"
		case everything:
			imports = "everything below"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", l.pkg, l.owns, imports)
	}
	return b.String()
}

func TestPackageDocs(t *testing.T) {
	documented, names := map[string]bool{}, map[string]string{}
	for _, src := range sources(t) {
		if src.test {
			continue
		}
		names[src.dir] = src.file.Name.Name
		documented[src.dir] = documented[src.dir] || src.file.Doc != nil
	}
	for dir, name := range names {
		if !documented[dir] {
			t.Errorf("%s has no package comment: say what it owns", dir)
		}
		if strings.Contains(forbiddenName, " "+name+" ") {
			t.Errorf("%s: %q says nothing about what the package owns", dir, name)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, src := range sources(t) {
		if src.generated {
			continue
		}
		if src.lines > maxFileLines && longFiles[src.path] == "" {
			t.Errorf("%s has %d lines, at most %d: split it by what its parts own", src.path, src.lines, maxFileLines)
		}
		if src.test {
			continue // a table of cases may be long
		}
		for _, decl := range src.file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			lines := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1
			if lines > maxFuncLines && longFuncs[src.path+":"+fn.Name.Name] == "" {
				t.Errorf("%s: func %s has %d lines, at most %d", src.path, fn.Name.Name, lines, maxFuncLines)
			}
		}
	}
}

// TestDependencies wants each library that go.mod names to stand in the decision on dependencies, with its licence and
// what it is for.
func TestDependencies(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	decision, err := os.ReadFile("docs/decisions/0002-dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	libraries := 0
	for line := range strings.Lines(string(mod)) {
		fields := strings.Fields(line)
		if len(fields) != 2 || !strings.HasPrefix(fields[1], "v") { // an indirect one has a comment
			continue
		}
		libraries++
		path, version, _ := strings.Cut(fields[0], "/v")
		if strings.Trim(version, "0123456789") != "" {
			path = fields[0]
		}
		if name := path[strings.LastIndex(path, "/")+1:]; !strings.Contains(string(decision), name) {
			t.Errorf("docs/decisions/0002-dependencies.md says nothing of %s", fields[0])
		}
	}
	if libraries < 10 {
		t.Errorf("%d libraries found in go.mod: is it read as it is written?", libraries)
	}
}

// outsideWorld are the calls that would make a result depend on more than its input, by import path.
var outsideWorld = map[string][]string{
	"time": {"Now", "Since", "Until"},
	"os":   {"Exit", "Getenv", "LookupEnv", "Environ"},
}

func TestOutsideWorld(t *testing.T) {
	for _, src := range sources(t) {
		if src.test || src.dir == "internal/cli" || strings.HasPrefix(src.dir, "cmd/") || strings.HasPrefix(src.dir, "scripts/") {
			continue
		}
		ast.Inspect(src.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Obj == nil && slices.Contains(outsideWorld[pkg.Name], sel.Sel.Name) {
				t.Errorf("%s: %s.%s: the clock, the environment and the exit belong to the programs and internal/cli",
					fset.Position(sel.Pos()), pkg.Name, sel.Sel.Name)
			}
			return true
		})
	}
}
