package report

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/golden"
)

const schemaHead = `# The JSON of hunt, investigate and report

` + "`--format json`" + ` prints one document, described here; ` + "`--format jsonl`" + ` one finding per line, with ` + "`schema_version` and `as_of`" + `.
Names and meanings stay within a ` + "`schema_version`" + `; members may be added. Times are RFC 3339 in UTC, lists are never null,
and findings come by score, then user, then first_seen. Made from the source: ` + "`go test ./internal/report -run TestSchemaPage -update`" + `.

` + "`query --format json`" + ` prints ` + "`{schema_version, as_of, columns: [{name, type}], rows: [[...]]}`" + ` with KQL's types: datetimes as text in UTC with up to
seven digits, timespans as ` + "`[-][d.]hh:mm:ss[.fffffff]`" + `, numbers with all their digits, NaN and the infinities as text, dynamic values as they
are. ` + "`query --batch`" + ` prints a line ` + "`{id, columns, rows}` or `{id, error: {message, line, column, kind}}`" + ` for each line, in order; kind is
syntax, semantic, unsupported or runtime. The single steps (` + "`coverage`, `timeline`, `baseline`, `sessions`" + `) print
` + "`{schema_version, as_of, as_of_source, PART: [{COLUMN: value}]}`" + `.
`

// TestSchemaPage keeps docs/json.md what the types and their comments say.
func TestSchemaPage(t *testing.T) {
	types := map[string]*ast.TypeSpec{}
	docs := map[string]string{}
	words := map[string][]string{} // of the types that take a few
	for _, dir := range []string{"../finding", "../investigation"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("no source in %s: %v", dir, err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				decl, ok := d.(*ast.GenDecl)
				if !ok {
					continue
				}
				for _, s := range decl.Specs {
					switch spec := s.(type) {
					case *ast.TypeSpec:
						types[spec.Name.Name], docs[spec.Name.Name] = spec, line(decl.Doc)
					case *ast.ValueSpec:
						if of, ok := spec.Type.(*ast.Ident); ok && len(spec.Values) == 1 {
							if value, ok := spec.Values[0].(*ast.BasicLit); ok {
								words[of.Name] = append(words[of.Name], "`"+strings.Trim(value.Value, `"`)+"`")
							}
						}
					}
				}
			}
		}
	}
	var b bytes.Buffer
	b.WriteString(schemaHead)
	for todo, seen := []string{"Investigation"}, map[string]bool{}; len(todo) > 0; todo = todo[1:] {
		name := todo[0]
		object, ok := types[name].Type.(*ast.StructType)
		if !ok || seen[name] {
			continue
		}
		seen[name] = true
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| member | type | meaning |\n|---|---|---|\n", name, docs[name])
		for _, f := range object.Fields.List {
			if f.Tag == nil {
				continue
			}
			tag, err := strconv.Unquote(f.Tag.Value)
			if err != nil {
				t.Fatal(err)
			}
			member, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
			if member == "-" {
				continue
			}
			kind, refers := typeName(f.Type, types)
			if of, ok := f.Type.(*ast.Ident); ok && words[of.Name] != nil {
				kind = strings.Join(words[of.Name], ", ")
			}
			if refers != "" {
				todo = append(todo, refers)
			}
			meaning := strings.TrimSpace(line(f.Doc) + " " + line(f.Comment))
			if options == "omitempty" {
				meaning = strings.TrimSpace(meaning + " (left out when empty)")
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", member, kind, strings.ReplaceAll(meaning, "|", "\\|"))
		}
	}
	golden.File(t, "../../docs/json.md", b.Bytes())
}

// typeName is a type in the words of the page, and the type of ours that it refers to.
func typeName(e ast.Expr, types map[string]*ast.TypeSpec) (words, refers string) {
	switch e := e.(type) {
	case *ast.ArrayType:
		words, refers = typeName(e.Elt, types)
		return "list of " + words, refers
	case *ast.MapType:
		words, refers = typeName(e.Value, types)
		return "object of " + words, refers
	case *ast.SelectorExpr:
		switch e.Sel.Name {
		case "Time":
			return "time", ""
		case "RawMessage":
			return "any", ""
		}
		return typeName(e.Sel, types)
	case *ast.Ident:
		if spec, ok := types[e.Name]; ok {
			if _, object := spec.Type.(*ast.StructType); object {
				return "[" + e.Name + "](#" + strings.ToLower(e.Name) + ")", e.Name
			}
			return typeName(spec.Type, types)
		}
		if word, ok := map[string]string{"string": "text", "bool": "true or false"}[e.Name]; ok {
			return word, ""
		}
		return "number", ""
	}
	return fmt.Sprintf("%T", e), ""
}

// line is a comment as one line.
func line(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
