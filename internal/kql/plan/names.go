package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// implicitName is what Kusto calls the column of an unnamed expression, "" when it numbers it (Column1, ..).
func implicitName(x syntax.Expr) string {
	switch x := x.(type) {
	case *syntax.Name:
		return x.Name
	case *syntax.Member:
		if n, ok := x.X.(*syntax.Name); ok && (n.Name == "$left" || n.Name == "$right") {
			return x.Name.Name
		}
		return joinName(implicitName(x.X), x.Name.Name)
	case *syntax.Index:
		if l, ok := x.I.(*syntax.Literal); ok {
			return joinName(implicitName(x.X), l.Text)
		}
		return ""
	case *syntax.Call:
		return callName(x)
	case *syntax.Named:
		if len(x.Names) == 1 {
			return x.Names[0].Name
		}
	}
	return ""
}

// nameOf is the implicit name of an expression over the columns that f sees: column_ifexists() has that of the column.
func nameOf(f *frame, x syntax.Expr) string {
	if call, ok := x.(*syntax.Call); ok && len(call.Args) == 2 && (call.Func.Name == "column_ifexists" || call.Func.Name == "columnifexists") {
		if name, ok := columnNamed(f, call.Args[0]); ok && findColumn(f.cols, name) != nil {
			return name
		}
	}
	return implicitName(x)
}

// columnNamed is the text by which column_ifexists names a column: a literal, or what a let or a parameter stands for,
// as the functions of the reference's library have it.
func columnNamed(f *frame, x syntax.Expr) (string, bool) {
	switch x := x.(type) {
	case *syntax.Literal:
		return x.Text, x.Kind == syntax.LitString
	case *syntax.Name:
		if v, _ := f.scope.find(x.Name); findColumn(f.cols, x.Name) == nil {
			if c, ok := v.(*Const); ok && c.T == schema.String {
				name, ok := c.V.(string)
				return name, ok
			}
		}
	}
	return "", false
}

func joinName(base, part string) string {
	if base == "" {
		return ""
	}
	return base + "_" + part
}

func callName(x *syntax.Call) string {
	naming, prefix := function.NameNone, x.Func.Name
	if x.Func.Name == "gettype" {
		prefix = "type"
	}
	if fn, ok := function.Lookup(x.Func.Name); ok {
		if fn.Scalar != "" && len(x.Args) > 1 { // of several values in one row
			fn, _ = function.Operator(fn.Scalar)
		}
		naming = fn.Naming
		if fn.Prefix != "" {
			prefix = fn.Prefix
		}
	} else if n, ok := specialNaming[x.Func.Name]; ok {
		naming = n
	}
	first := ""
	if len(x.Args) > 0 {
		first = implicitName(x.Args[0])
	}
	switch naming {
	case function.NameFirst:
		return first
	case function.NameFunction:
		return joinNamePrefix(first, prefix)
	case function.NamePrefix:
		return prefix + "_" + first
	case function.NamePair:
		if len(x.Args) > 1 {
			return prefix + "_" + first + "_" + implicitName(x.Args[1])
		}
	case function.NameOnly:
		return prefix
	case function.NameSole:
		if len(x.Args) == 1 {
			return first
		}
	case function.NameNone:
	}
	return ""
}

func joinNamePrefix(first, prefix string) string {
	if first == "" {
		return ""
	}
	return prefix + "_" + first
}

// specialNaming is the naming of the calls that the binder handles itself.
var specialNaming = map[string]function.Naming{
	"tostring": function.NameFirst, "tolong": function.NameFirst, "toint": function.NameFirst, "toreal": function.NameFirst,
	"todouble": function.NameFirst, "tobool": function.NameFirst, "toboolean": function.NameFirst,
	"todatetime": function.NameFirst, "totimespan": function.NameFirst, "totime": function.NameFirst, "toguid": function.NameFirst,
	"todecimal": function.NameFirst, "todynamic": function.NameFirst, "toobject": function.NameFirst, "parse_json": function.NameFirst, "parsejson": function.NameFirst,
	"gettype": function.NamePrefix, "bin_auto": function.NameFirst,
	"long": function.NameFirst, "int": function.NameFirst, "real": function.NameFirst, "double": function.NameFirst,
	"bool": function.NameFirst, "datetime": function.NameFirst, "timespan": function.NameFirst,
}

// namer hands out the names of an operator's columns and keeps them unique.
type namer struct {
	taken  nameSet
	given  nameSet // those of taken that the query gives: another column may not be given one of them
	number *int    // of the latest Column1, Column2, ..: they are counted through the whole query
}

func (b *binder) newNamer(cols []*Column) *namer {
	n := &namer{number: b.unnamed}
	for _, c := range cols {
		n.taken.add(c.Name)
	}
	return n
}

// nameSet is a set of names. Most are small: to look through some names takes less time than to hash one.
type nameSet struct {
	few  [16]string // the first ones
	n    int        // how many of few are in use
	many map[string]bool
}

func (s *nameSet) has(name string) bool {
	return slices.Contains(s.few[:s.n], name) || s.many[name]
}

func (s *nameSet) add(name string) {
	switch {
	case s.n < len(s.few):
		s.few[s.n] = name
		s.n++
	case s.many == nil:
		s.many = map[string]bool{name: true}
	default:
		s.many[name] = true
	}
}

func (s *nameSet) empty() bool { return s.n == 0 }

// unique returns name, or name with the lowest free number behind it.
func (n *namer) unique(name string) string {
	out := name
	for i := 1; n.taken.has(out); i++ {
		out = name + strconv.Itoa(i)
	}
	n.taken.add(out)
	return out
}

// give names a column as the query asks for, or with the lowest free number behind it where a column that got its name
// by itself has that name. It reports false for a name that was given before.
func (n *namer) give(name string) (string, bool) {
	if n.given.has(name) {
		return name, false
	}
	name = n.unique(name)
	n.given.add(name)
	return name, true
}

// implicit names an unnamed expression.
func (n *namer) implicit(name string) string {
	if name != "" {
		return n.unique(name)
	}
	for {
		*n.number++
		out := fmt.Sprintf("Column%d", *n.number)
		if !n.taken.has(out) {
			n.taken.add(out)
			return out
		}
	}
}

// match reports whether a name fits a wildcard pattern.
func match(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	for i, p := range parts[1:] {
		if i == len(parts)-2 {
			return strings.HasSuffix(name, p)
		}
		at := strings.Index(name, p)
		if at < 0 {
			return false
		}
		name = name[at+len(p):]
	}
	return name == ""
}
