package report

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/golden"
)

const schemaHead = `# The JSON of the commands

"--format json" prints one document, described here by its members. Names and meanings stay within a "schema_version"; members
may be added. Times are RFC 3339 in UTC, and lists are never null unless it is said. Made from the source:
"go test ./internal/report -run TestSchemaPage -update".

| command | document |
|---|---|
| "hunt", "investigate", "report" | [Investigation](#investigation); findings come by score, then user, then first_seen. "--format jsonl" prints one finding per line, with "schema_version" and "as_of" |
| "ingest"; "manifest.json" of a case | [Manifest](#manifest) |
| "inspect" | [inspection](#inspection) |
| "verify" | [Verification](#verification) |
| "rules list" | [ruleList](#rulelist) |
| "rules lint", "rules test" | [ruleChecks](#rulechecks) |
| "explain SIGNAL" | "schema_version" and the members of [listed](#listed) |
| "explain VIEW" | [explainedView](#explainedview) |
| "query", "rules run", "apps", "apps lookup" | rows, below |
| "coverage", "timeline", "baseline", "sessions" | "{schema_version, as_of, as_of_source, PART: [{COLUMN: value}]}"; [case.md](case.md#the-single-steps) has the columns of "coverage" |

Rows are "{schema_version, as_of, columns: [{name, type}], rows: [[...]]}" ("apps lookup" asks no case and has no "as_of") with KQL's types: datetimes as text in UTC with up to
seven digits, timespans as "[-][d.]hh:mm:ss[.fffffff]", numbers with all their digits, NaN and the infinities as text, dynamic
values as they are. "query --batch" prints a line "{id, columns, rows}" or "{id, error: {message, line, column, kind}}" for each
line, in order; kind is syntax, semantic, unsupported or runtime.
`

// documents are the types that the page describes, with all that they refer to, and the packages that have them.
var documents = []struct {
	roots, dirs []string
}{
	{[]string{"Investigation"}, []string{"../finding", "../investigation"}},
	{[]string{"Manifest", "inspection", "Verification", "ruleList", "ruleChecks", "explainedView"}, []string{"../casefile", "../cli"}},
}

// source is what the page is made from: the types by name with their comments, the words of the types that take a few, and
// the members of objects by the names of their fields.
type source struct {
	types   map[string]*ast.TypeSpec
	docs    map[string]string
	words   map[string][]string
	members map[string]string
}

// TestSchemaPage keeps docs/json.md what the types and their comments say.
func TestSchemaPage(t *testing.T) {
	var b bytes.Buffer
	b.WriteString(strings.ReplaceAll(schemaHead, `"`, "`"))
	for _, d := range documents {
		src := readSource(t, d.dirs)
		for todo, seen := d.roots, map[string]bool{}; len(todo) > 0; todo = todo[1:] {
			if name := todo[0]; !seen[name] {
				seen[name] = true
				refers, err := src.object(&b, name)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				todo = append(slices.Clone(todo), refers...)
			}
		}
	}
	golden.File(t, "../../docs/json.md", b.Bytes())
}

// readSource reads the packages in the folders.
func readSource(t *testing.T, dirs []string) *source {
	t.Helper()
	src := &source{types: map[string]*ast.TypeSpec{}, docs: map[string]string{}, words: map[string][]string{}, members: map[string]string{}}
	for _, dir := range dirs {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("no source in %s: %v", dir, err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			src.read(file)
		}
	}
	return src
}

// read adds the declarations of a file.
func (s *source) read(file *ast.File) {
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.types[spec.Name.Name], s.docs[spec.Name.Name] = spec, line(decl.Doc)
				if object, ok := spec.Type.(*ast.StructType); ok {
					s.names(object)
				}
			case *ast.ValueSpec:
				of, typed := spec.Type.(*ast.Ident)
				if !typed || len(spec.Values) != 1 {
					continue
				}
				if value, ok := spec.Values[0].(*ast.BasicLit); ok {
					s.words[of.Name] = append(s.words[of.Name], "`"+strings.Trim(value.Value, `"`)+"`")
				}
			}
		}
	}
}

// names adds what the fields of an object are called in JSON.
func (s *source) names(object *ast.StructType) {
	for _, f := range object.Fields.List {
		if member, _ := memberOf(f); member != "" && len(f.Names) == 1 {
			s.members[f.Names[0].Name] = member
		}
	}
}

// memberOf is what a field is called in JSON, "" for one that is not there.
func memberOf(f *ast.Field) (name, options string) {
	if f.Tag == nil {
		return "", ""
	}
	name, options, _ = strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
	return strings.TrimPrefix(name, "-"), options
}

// object writes the section of a type and returns the types that it refers to.
func (s *source) object(b *bytes.Buffer, name string) (refers []string, err error) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n| member | type | meaning |\n|---|---|---|\n", name, s.spoken(s.docs[name]))
	for _, f := range s.types[name].Type.(*ast.StructType).Fields.List {
		member, options := memberOf(f)
		if member == "" {
			continue
		}
		kind, of, err := s.typeName(f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", member, err)
		}
		if of != "" {
			refers = append(refers, of)
		}
		meaning := s.spoken(line(f.Doc) + " " + line(f.Comment))
		if options == "omitempty" {
			meaning = strings.TrimSpace(meaning + " (left out when empty)")
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", member, kind, strings.ReplaceAll(meaning, "|", "\\|"))
	}
	return refers, nil
}

// capitalised is a word that may be the name of a field: two capitals at least, for "Table" is a word of ours as well.
var capitalised = regexp.MustCompile(`\b[A-Z]+[a-z]+[A-Z]\w*|\b[A-Z]{2,}[a-z]\w*`)

// spoken is a comment for readers of JSON: fields go by the names of their members.
func (s *source) spoken(comment string) string {
	return strings.TrimSpace(capitalised.ReplaceAllStringFunc(comment, func(word string) string {
		if member, ok := s.members[word]; ok {
			return "`" + member + "`"
		}
		return word
	}))
}

// plain are the types of Go in the words of the page.
var plain = map[string]string{"string": "text", "bool": "true or false", "int": "number", "int64": "number", "float64": "number"}

// typeName is a type in the words of the page, and the type of ours that it refers to.
func (s *source) typeName(e ast.Expr) (words, refers string, err error) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return s.typeName(e.X)
	case *ast.ArrayType:
		words, refers, err = s.typeName(e.Elt)
		return "list of " + words, refers, err
	case *ast.MapType:
		words, refers, err = s.typeName(e.Value)
		return "object of " + words, refers, err
	case *ast.SelectorExpr:
		switch e.Sel.Name {
		case "Time":
			return "time", "", nil
		case "RawMessage":
			return "any", "", nil
		}
		return s.typeName(e.Sel)
	case *ast.Ident:
		spec, ours := s.types[e.Name]
		switch {
		case !ours && plain[e.Name] != "":
			return plain[e.Name], "", nil
		case !ours:
		case s.words[e.Name] != nil:
			return strings.Join(s.words[e.Name], ", "), "", nil
		default:
			if _, object := spec.Type.(*ast.StructType); object {
				return "[" + e.Name + "](#" + strings.ToLower(e.Name) + ")", e.Name, nil
			}
			return s.typeName(spec.Type)
		}
	}
	return "", "", fmt.Errorf("the page has no words for the type %T %v", e, e)
}

// line is a comment as one line.
func line(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
